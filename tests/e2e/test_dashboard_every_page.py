"""Every page in a real browser, with an incident and with nothing: no complaint, nothing sideways on a phone, and axe-core finds nothing.

axe looks for contrast, names, roles and landmarks, light and dark, on a desk and on a phone.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.slow
PAGES = ("overview", "drift", "quality", "performance", "slo", "alerts", "capture")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
DESK, PHONE = 1280, 390


def _show(driver, shots, url, page, theme, width):
    shots._resize(driver, width, 900)
    driver.get(f"{url}/{'' if page == 'overview' else page}")
    driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    shots.wait_until_drawn(driver)
    driver.execute_script("document.querySelectorAll('details').forEach(card => card.open = true)")


def _found_by_axe(driver):
    """Each violation as one line: the rule, where, why."""
    from axe_core_python.selenium import Axe

    violations = Axe().run(driver, options=RULES)["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in violations for node in one["nodes"]]


def _complaints(driver):
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def _fits_a_phone(driver):
    """Charts are drawn anew some frames after the page has another width."""
    width = "return document.documentElement.scrollWidth"
    with suppress(TimeoutException):
        WebDriverWait(driver, 10, poll_frequency=0.1).until(lambda d: d.execute_script(width) <= PHONE)
    return driver.execute_script(width) <= PHONE


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_an_incident(driver, shots, full, page):
    _show(driver, shots, full[1], page, "light", DESK)
    assert driver.find_elements("css selector", "#page .panel")
    assert not driver.find_elements("css selector", ".alert-bad")
    assert _found_by_axe(driver) == []
    driver.execute_script("document.documentElement.dataset.theme = 'dark'")
    shots._resize(driver, PHONE, 844)
    assert _fits_a_phone(driver)
    assert _found_by_axe(driver) == []
    assert _complaints(driver) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_data_says_so(driver, shots, bare, page):
    _show(driver, shots, bare, page, "dark", PHONE)
    assert driver.find_elements("css selector", ".empty")
    assert not driver.find_elements("css selector", ".alert-bad")
    assert _fits_a_phone(driver)
    assert _found_by_axe(driver) == []
    assert _complaints(driver) == []


def test_every_page_is_in_sight_on_a_phone_and_the_open_one_is_named(driver, shots, bare):
    _show(driver, shots, bare, "capture", "light", PHONE)
    right = driver.execute_script("return [...document.querySelectorAll('.pages a')].map(a => a.getBoundingClientRect().right)")
    assert len(right) == len(PAGES)
    assert max(right) <= PHONE
    assert driver.find_element("css selector", ".pages .nav-on").get_attribute("textContent") == "Capture (this page)"
