"""The pages on the stream and on the API: their examples are what the schemas say, their requests are answered."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

import gateway
from gateway.hub.subscriber import Ending
from gateway.model.selector import PARAMETERS
from tests.contract.documents import Contract, parse_stream, place_of
from tests.e2e.harness import run_gateway
from tests.fakes import recordings
from tests.fakes.argocd import FakeArgoCD

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = ("stream.md", "api.md")

EXPECTED = {"/api/pipelines?project=swkoo&health=Fine": 400}
"""What the pages ask for to show how it is refused."""


def read(page: str) -> str:
    return (DOCS / page).read_text()


def blocks(page: str, language: str) -> list[tuple[str, str]]:
    """Return the code blocks of a language: the word behind the language, and the content."""
    return re.findall(rf"^```{language} ?(\S*)\n(.*?)^```$", read(page), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_every_example_of_a_page_is_what_its_schema_says(contract: Contract, page: str) -> None:
    shown = blocks(page, "json")
    assert shown
    for name, text in shown:
        contract.check(place_of(name), orjson.loads(text))
    for kind, text in blocks(page, "text"):
        for name, _, data in parse_stream(text):
            (contract.check_detail_event if kind == "detail" else contract.check_event)(name, data)


def test_the_page_on_the_stream_shows_every_event_and_explains_every_reason(contract: Contract) -> None:
    page = read("stream.md")
    assert {text.split("event: ")[1].split("\n")[0] for _, text in blocks("stream.md", "text")} == set(
        contract.openapi["paths"]["/api/stream/pipelines"]["get"]["responses"]["200"]["content"]["text/event-stream"][
            "x-events"
        ]
    )
    upstream = contract.schemas["heartbeat"]["$defs"]["upstream"]["properties"]
    words = [
        *contract.schemas["snapshot"]["properties"]["reason"]["anyOf"][0]["enum"],
        *upstream["state"]["enum"],
        *upstream["reason"]["anyOf"][0]["enum"],
        *(ending.value for ending in Ending),
    ]
    assert [word for word in words if f"`{word}`" not in page] == []


def test_the_page_on_the_api_names_every_path_parameter_and_problem(contract: Contract) -> None:
    page = read("api.md")
    named = [*contract.openapi["paths"], *PARAMETERS]
    for response in contract.openapi["components"]["responses"].values():
        named += re.findall(r"`([a-z-]+)`(?=[,.) ])", response["description"].replace("`problems`", ""))
    named += contract.schemas["problem"]["properties"]
    named += [each["name"] for each in contract.openapi["components"]["parameters"].values() if each["in"] != "path"]
    named += read_problems()
    assert [name for name in named if f"`{name}`" not in page and f'"{name}"' not in page] == []


def read_problems() -> set[str]:
    """Return the types of all problems that the gateway makes."""
    sources = "\n".join(path.read_text() for path in Path(gateway.__file__).parent.rglob("*.py"))
    return set(re.findall(r'Problem\(\s*status=\w+,\s*type="([a-z-]+)"', sources))


def test_the_types_of_problems_are_found() -> None:
    assert {"bad-parameters", "unsigned", "ambiguous", "too-many", "not-kept"} <= read_problems()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^):]+)\)", read(page)):
        file, _, heading = target.partition("#")
        path = DOCS / (file or page)
        assert path.exists(), target
        headings = [line.lstrip("# ").lower() for line in path.read_text().splitlines() if line.startswith("#")]
        assert not heading or heading in [re.sub(r"[^\w -]", "", each).replace(" ", "-") for each in headings], target


@pytest.mark.parametrize("page", PAGES)
async def test_every_request_of_a_page_is_answered_as_it_says(argocd: FakeArgoCD, page: str) -> None:
    commands = [line for _, text in blocks(page, "sh") for line in text.splitlines()]
    assert commands
    for item in recordings.final_word("deploy-day/stream.sse").values():
        argocd.put(item)
    async with run_gateway(argocd) as stage:
        await stage.live()
        for command in commands:
            program, *arguments = shlex.split(command)
            url = urlsplit(arguments[-1])
            assert (program, url.netloc) == ("curl", "localhost:8090"), command
            headers = dict(each.split(": ", 1) for option, each in pairwise(arguments) if option == "-H")
            query = f"?{url.query}" if url.query else ""
            if "-N" in arguments:
                watcher = await stage.subscribe(query, path=url.path, headers=headers)
                assert watcher.status == 200, command
                await watcher.wait(lambda one=watcher: one.has_state)  # type: ignore[misc]
            else:
                answer = await stage.get(url.path + query, headers=headers)
                assert answer.status == EXPECTED.get(url.path + query, 200), (command, answer)
