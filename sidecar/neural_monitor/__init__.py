"""The door of the console scripts. It stands outside the namespace ``neural`` so that it can say when another package hides it."""
