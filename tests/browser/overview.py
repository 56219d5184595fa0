"""Where the overview has what, for tests that look at it."""

from playwright.async_api import Locator, Page, expect


def item(page: Page, name: str, namespace: str = "argocd") -> Locator:
    """One application, as a row or as a card."""
    return page.locator(f'.item[data-key="{namespace}/{name}"]')


def told(page: Page, name: str) -> Locator:
    """What the recent changes say of an application, latest first."""
    return page.locator(f'.changes li[data-key="argocd/{name}"] .told')


def facet(page: Page, kind: str, word: str) -> Locator:
    return page.get_by_role("group", name=kind).locator(f'[data-word="{word}"]')


async def expect_state(page: Page, state: str) -> None:
    await expect(page.locator("html")).to_have_attribute("data-state", state)


async def names(page: Page) -> list[str]:
    """The applications in the document, from top to bottom."""
    return await page.locator(".item .name").all_inner_texts()
