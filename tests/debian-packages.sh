#!/bin/sh
# The real components that some tests run against. Installed where root and apt are there; without them those tests skip and say so.
missing=""
for pair in chromium:chromium chromedriver:chromium-driver prometheus:prometheus promtool:prometheus prometheus-alertmanager:prometheus-alertmanager java:openjdk-17-jre-headless node:nodejs npm:npm; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "not installed, and no root or apt here to install them:$missing (tests that need them will skip)"
    exit 0
fi
echo "installing for the tests:$missing"
export DEBIAN_FRONTEND=noninteractive
# A service that apt starts would hold ports the tests want: refuse starts while installing.
policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && trap 'rm -f $policy' EXIT; }
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null || echo "could not install$missing (tests that need them will skip)"
exit 0
