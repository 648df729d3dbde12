"""The dashboard in a real browser: Debian's chromium, headless, over a store with half an hour of traffic and one drift incident."""

from __future__ import annotations

import runpy
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from neural.monitoring.api import api_routes
from neural.monitoring.dashboard import build_dashboard
from neural.monitoring.store import MemoryStore

if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("needs chromium and chromedriver (apt-get install chromium chromium-driver)", allow_module_level=True)

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

HERE = Path(__file__).resolve().parent
SHOTS = SimpleNamespace(**runpy.run_path(str(HERE / "screenshots.py")))
STORY = SimpleNamespace(**runpy.run_path(str(HERE.parent / "unit" / "dashboard" / "incident.py")))
WAIT_SECONDS = 30

pytestmark = pytest.mark.slow


def _open(driver, url):
    driver.get(url)
    SHOTS.wait_until_drawn(driver, WAIT_SECONDS)


def _until(driver, condition):
    return WebDriverWait(driver, WAIT_SECONDS, poll_frequency=0.1, ignored_exceptions=(Exception,)).until(condition)


def _text(driver, selector):
    return driver.find_element(By.CSS_SELECTOR, selector).text


def _complaints(driver):
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def test_from_the_overview_through_the_incident_to_the_moved_bins(driver, full):
    _open(driver, full[1])
    assert _text(driver, "h1") == "The inputs have drifted: temp and dewp."
    driver.find_element(By.CSS_SELECTOR, ".ranking a[href*='feature=dewp']").click()
    _until(driver, lambda d: "Reference against now: dewp" in _text(d, "#page"))
    SHOTS.wait_until_drawn(driver)
    assert "feature=dewp" in driver.current_url
    bars = driver.execute_script("return document.querySelectorAll('#drift-distribution .bars .point').length")
    assert bars == 20
    assert "pts" in driver.execute_script("return document.querySelector('#drift-distribution').textContent")
    assert _complaints(driver) == []


def test_a_click_on_the_heat_map_picks_the_feature(driver, full):
    _open(driver, f"{full[1]}/drift")
    plot = driver.find_element(By.CSS_SELECTOR, "#drift-heatmap .nsewdrag")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    row = plot.size["height"] / len(STORY.FEATURES)
    over = ActionChains(driver).move_to_element_with_offset(plot, 40, int(1.5 * row - plot.size["height"] / 2))
    over.click().perform()
    _until(driver, lambda d: "feature=dewp" in d.current_url)
    _until(driver, lambda d: "Reference against now: dewp" in _text(d, "#page"))


def test_the_page_refreshes_by_itself_and_pausing_stops_it(driver, full):
    _, url = full
    _open(driver, f"{url}/alerts?range=1h")
    before = _text(driver, ".moment")
    _until(driver, lambda d: _text(d, ".moment") != before)
    driver.find_element(By.LINK_TEXT, "pause").click()
    _until(driver, lambda d: "paused at" in _text(d, ".moment"))
    assert "until=" in driver.current_url
    held = driver.current_url, _text(driver, "#page")
    driver.get("about:blank")
    _open(driver, held[0])
    assert _text(driver, "#page") == held[1]
    driver.find_element(By.LINK_TEXT, "resume").click()
    _until(driver, lambda d: "every 1 s" in _text(d, ".moment"))


def test_a_refresh_leaves_focus_open_details_and_drawings_alone(driver, full):
    _open(driver, f"{full[1]}/alerts?range=1h")
    driver.find_element(By.CSS_SELECTOR, ".alert-card summary").click()
    driver.execute_script("document.querySelector('.js-plotly-plot').mark = 1; document.querySelector('.segments a').focus()")
    before = _text(driver, ".moment")
    _until(driver, lambda d: _text(d, ".moment") != before)
    assert driver.find_element(By.CSS_SELECTOR, ".alert-card").get_attribute("open")
    assert driver.execute_script("return document.querySelector('.js-plotly-plot').mark") == 1
    assert driver.execute_script("return document.activeElement.className").startswith("segment")


def test_new_data_appears_without_a_click(driver):
    store = MemoryStore()
    with SHOTS.serving(build_dashboard(store, refresh_seconds=0.5)) as url:
        _open(driver, url)
        assert _text(driver, "h1") == "Nothing has been measured yet."
        STORY.fill(store, time.time(), incident=False)
        _until(driver, lambda d: _text(d, "h1").startswith("All is well"))


def test_choosing_a_model_changes_the_link_and_the_page(driver, full):
    _open(driver, full[1])
    select = Select(driver.find_element(By.ID, "model"))
    assert [option.text for option in select.options if option.text] == ["flights · 3", "second · b"]
    select.select_by_visible_text("second · b")
    _until(driver, lambda d: "model=second" in d.current_url)
    _until(driver, lambda d: _text(d, "h1").startswith("No news"))
    driver.back()
    _until(driver, lambda d: _text(d, "h1").startswith("The inputs have drifted"))


def test_the_theme_switches_and_is_remembered(driver, full):
    _open(driver, full[1])
    ground = "return getComputedStyle(document.body).backgroundColor"
    first = driver.execute_script(ground)
    driver.find_element(By.ID, "theme").click()
    _until(driver, lambda d: d.execute_script(ground) != first)
    second = driver.execute_script(ground)
    _open(driver, f"{full[1]}/slo")
    assert driver.execute_script(ground) == second
    driver.execute_script("localStorage.clear()")


def test_the_keyboard_reaches_pages_ranges_and_features_with_a_visible_focus(driver, full):
    _open(driver, f"{full[1]}/?range=1h")
    reached = []
    for _ in range(60):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(
            driver.execute_script(
                "const e = document.activeElement; return [e.textContent || e.id, getComputedStyle(e).outlineStyle]"
            )
        )
    names = [name for name, _ in reached]
    for wanted in ("Skip to the page", "Drift", "Capture", "30d", "pause", "All features"):
        assert wanted in names
    assert all(style != "none" for name, style in reached if name in ("Drift", "30d", "pause"))


def test_a_feature_named_like_markup_stays_text(driver, full):
    for page in ("", "drift", "quality"):
        _open(driver, f"{full[1]}/{page}")
        assert STORY.NASTY in driver.execute_script("return document.body.textContent")
        assert not driver.find_elements(By.CSS_SELECTOR, "img[src='x']")


def test_nothing_is_fetched_from_elsewhere(driver, full):
    _, url = full
    _open(driver, f"{url}/drift")
    fetched = driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert len(fetched) > 5
    assert [name for name in fetched if not name.startswith((url, "data:"))] == []


def test_an_alert_is_silenced_through_the_api_and_the_silence_ended(driver):
    store = MemoryStore()
    STORY.fill(store, time.time())
    pages = build_dashboard(store, refresh_seconds=1, silences_url="/api/v1/silences")
    app = Starlette(routes=[*api_routes(store, writer=store, token="s3cret"), Mount("/", pages)])
    with SHOTS.serving(app) as url:
        _open(driver, f"{url}/alerts?severity=critical")
        driver.find_element(By.CSS_SELECTOR, ".alert-card summary").click()
        driver.find_element(By.XPATH, "//button[text()='8 h']").click()
        prompt = _until(driver, lambda d: d.switch_to.alert)
        prompt.send_keys("s3cret")
        prompt.accept()
        _until(driver, lambda d: "by dashboard" in _text(d, "#page"))
        (made,) = [one for one in store.silences() if one.author == "dashboard"]
        assert made.matchers == {"rule": "Data drift", "model": "flights", "version": "3"}
        assert made.ends_at - made.starts_at == 8 * 3600
        entry = next(e for e in driver.find_elements(By.CSS_SELECTOR, "#page li") if "by dashboard" in e.text)
        entry.find_element(By.TAG_NAME, "button").click()
        _until(driver, lambda d: "by dashboard" not in _text(d, "#page"))


def test_an_alert_is_acknowledged_by_name_and_the_name_is_remembered(driver):
    store = MemoryStore()
    STORY.fill(store, time.time())
    pages = build_dashboard(store, refresh_seconds=1, silences_url="/api/v1/silences", alerts_url="/api/v1/alerts")
    app = Starlette(routes=[*api_routes(store, writer=store), Mount("/", pages)])
    with SHOTS.serving(app) as url:
        _open(driver, f"{url}/alerts?state=firing")
        driver.find_element(By.CSS_SELECTOR, ".alert-card summary").click()
        driver.find_element(By.XPATH, "//button[text()='I have this']").click()
        prompt = _until(driver, lambda d: d.switch_to.alert)
        prompt.send_keys("ada")
        prompt.accept()
        _until(driver, lambda d: "ada has it" in _text(d, "#page"))
        driver.find_elements(By.CSS_SELECTOR, ".alert-card summary")[1].click()
        driver.find_element(By.XPATH, "//button[text()='I have this']").click()
        _until(driver, lambda d: _text(d, "#page").count("ada has it") == 2)
        driver.execute_script("localStorage.clear()")
        assert _complaints(driver) == []
    assert sorted(row.rule for row in store.alerts() if row.acknowledged_by == "ada") == ["Budget burns", "Data drift"]
    store.close()


def _downloaded(driver, folder, name, click):
    """The file that a click leaves in the folder, once it is whole."""
    driver.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    click()
    return _until(driver, lambda _: (folder / name).is_file() and folder / name)


def test_a_page_is_downloaded_as_a_table(driver, full, tmp_path):
    _open(driver, f"{full[1]}/slo?range=1h")
    link = driver.find_element(By.LINK_TEXT, "as a table (CSV)")
    head, *rows = _downloaded(driver, tmp_path, "slo-report.csv", link.click).read_text().splitlines()
    assert head.startswith("slo,status,target,compliance,error_budget_remaining,breaches")
    assert sorted(row.split(",")[0] for row in rows) == ["available", "fast", "right"]
    text = _downloaded(driver, tmp_path, "slo.csv", driver.find_element(By.LINK_TEXT, "CSV").click).read_text()
    assert text.startswith("time,signal,")
    assert "slo.compliance" in text


@pytest.mark.parametrize(
    ("page", "link", "name", "says"),
    [
        ("", "Report", "report.html", "Something is wrong and needs somebody now."),
        ("slo", "SLA report", "sla.html", "SLA report"),
    ],
)
def test_a_report_is_downloaded_and_opens_by_itself(driver, full, tmp_path, page, link, name, says):
    _open(driver, f"{full[1]}/{page}")
    file = _downloaded(driver, tmp_path, name, driver.find_element(By.LINK_TEXT, link).click)
    driver.get(file.as_uri())
    assert says in _text(driver, "body")
    assert driver.execute_script("return getComputedStyle(document.body).maxWidth") != "none"  # it brought its style
    assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert _complaints(driver) == []


def test_a_chart_is_saved_as_a_picture(driver, full, tmp_path):
    _open(driver, f"{full[1]}/slo")
    chart = driver.find_element(By.CSS_SELECTOR, "#slo-budget .js-plotly-plot, #slo-budget.js-plotly-plot")
    ActionChains(driver).move_to_element(chart).perform()
    button = chart.find_element(By.CSS_SELECTOR, ".modebar-btn[data-title*='png' i]")
    picture = _downloaded(
        driver, tmp_path, "neural-slo-budget.png", lambda: driver.execute_script("arguments[0].click()", button)
    )
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert _complaints(driver) == []


def test_calibration_and_estimates_are_drawn_and_the_measure_is_chosen_by_link(driver, full):
    _open(driver, f"{full[1]}/performance")
    drawn = "return document.querySelectorAll('#performance-calibration .errorbar').length"
    assert driver.execute_script(drawn) == 10
    assert driver.execute_script("return document.querySelectorAll('#performance-estimates .shapelayer path').length") == 1
    driver.find_element(By.LINK_TEXT, "Recall").click()
    _until(
        driver,
        lambda d: "Recall, estimated" in d.execute_script("return document.querySelector('#performance-estimates').textContent"),
    )
    assert "measure=recall" in driver.current_url
    assert _complaints(driver) == []


def test_a_server_that_is_gone_is_noticed(driver):
    store = MemoryStore()
    with SHOTS.serving(build_dashboard(store, refresh_seconds=0.5)) as url:
        _open(driver, url)
        assert not driver.find_element(By.ID, "offline").is_displayed()
    _until(driver, lambda d: d.find_element(By.ID, "offline").is_displayed())
