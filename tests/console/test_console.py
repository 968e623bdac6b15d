import httpx
import pytest
from console_env import a_status, browser_of_a_console, fake_auth
from http_server import serve
from people import signed_in
from redis.asyncio import Redis
from structlog.testing import capture_logs

from console.app import create_app
from console.settings import Settings
from shared.limits import Limit, hits
from shared.limits.people import EMAIL_CHARACTERS, PASSWORD_CHARACTERS
from shared.runtime.settings import AuthSettings, RedisSettings
from shared.status_channel import StatusChannel
from shared.web.person import Role


async def sign_in(browser: httpx.AsyncClient) -> httpx.Response:
    """Signs Ann in; the browser keeps her cookie."""
    return await browser.post("/sign-in", data={"email": "ann@demo.test", "password": "right"})


async def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in"
    assert (await browser.get("/sign-in")).status_code == 200


async def test_a_wrong_password_is_answered_and_no_cookie_is_set(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/sign-in", data={"email": "ann@demo.test", "password": "wrong"})

    assert answer.status_code == 401
    assert "e-mail or password is wrong" in answer.text
    assert "set-cookie" not in answer.headers
    assert 'value="wrong"' not in answer.text


async def test_the_session_is_kept_from_scripts_and_other_sites(browser: httpx.AsyncClient) -> None:
    cookies = (await sign_in(browser)).headers.get_list("set-cookie")

    assert [cookie.partition("=")[0] for cookie in cookies] == ["trueup_session", "trueup_device"]
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
    assert "Path=/sign-in" in cookies[1]


async def test_a_browser_is_known_at_its_next_sign_in_and_its_address_is_passed_on(
    redis_settings: RedisSettings,
) -> None:
    auth = fake_auth()
    async with browser_of_a_console(redis_settings, 1, auth) as browser:
        await sign_in(browser)
        await browser.post("/sign-out")
        # As a proxy on this machine says it, which the console believes.
        await browser.post(
            "/sign-in",
            data={"email": "ann@demo.test", "password": "right"},
            headers={"X-Forwarded-For": "203.0.113.9"},
        )

    assert auth.state.sign_ins == [
        {"address": "127.0.0.1", "device_token": ""},
        {"address": "203.0.113.9", "device_token": "device 1"},
    ]


async def test_who_guesses_too_often_is_told_when_to_try_again(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/sign-in", data={"email": "ann@demo.test", "password": "often"})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "16")
    assert "Too many attempts: try again in 16 seconds." in answer.text


@pytest.mark.parametrize(("field", "limit"), [("email", EMAIL_CHARACTERS), ("password", PASSWORD_CHARACTERS)])
async def test_what_is_longer_than_auth_takes_is_refused_and_counted_before_auth_is_asked(
    redis_settings: RedisSettings, field: str, limit: Limit
) -> None:
    auth, before = fake_auth(), hits().get(limit.name, 0)
    typed = {"email": "ann@demo.test", "password": "right"}
    async with browser_of_a_console(redis_settings, 1, auth) as browser:
        longest = await browser.post("/sign-in", data=typed | {field: "x" * limit.most})
        longer = await browser.post("/sign-in", data=typed | {field: "x" * (limit.most + 1)})

    assert longest.status_code in {303, 401}
    assert (longer.status_code, longer.json()["fields"][0]["name"]) == (422, field)
    assert len(auth.state.sign_ins) == 1
    assert hits()[limit.name] == before + 1


async def test_the_page_shows_integrations_with_their_progress(
    browser: httpx.AsyncClient, status_channel: StatusChannel
) -> None:
    await sign_in(browser)
    await status_channel.report(a_status("demo", done=5))

    page = (await browser.get("/")).text

    assert "Ingram &lt;Micro&gt;" in page
    assert "5 of 20" in page
    assert 'value="25"' in page


@pytest.mark.parametrize("path", ["/", "/integrations", "/events"])
async def test_a_status_that_cannot_be_read_is_told_in_our_words(
    browser: httpx.AsyncClient, redis_settings: RedisSettings, path: str
) -> None:
    headers = signed_in(Role.VIEWER, "garbled")
    async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
        await redis.set("status:garbled", "garbage")
    with capture_logs() as events:
        answer = await browser.get(path, headers=headers)

    if path == "/events":  # which has begun by then
        assert (answer.status_code, "come back" in answer.text) == (200, True)
    else:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "This page cannot be shown at this moment: try again in 5 seconds." in answer.text
    assert "WRONGTYPE" not in answer.text
    assert "WRONGTYPE" in repr(events)


async def test_a_page_whose_reader_cannot_be_known_yet_says_when_to_come_again(
    redis_settings: RedisSettings,
) -> None:
    settings = Settings(auth=AuthSettings(url="http://127.0.0.1:9"), redis=redis_settings)
    async with serve(create_app(settings)) as console, httpx.AsyncClient(base_url=console) as browser:
        answers = [await browser.get("/", headers=signed_in(Role.VIEWER)) for _ in range(2)]

    for answer in answers:
        assert answer.status_code == 503
        assert "This page cannot be shown at this moment: try again in 5 seconds." in answer.text
        assert "127.0.0.1:9" not in answer.text
