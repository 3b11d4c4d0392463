"""How somebody works a page: with a mouse, or with the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MOST_TABS = 150


class Mouse:
    """Somebody who points and types."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: Locator) -> None:
        """Follow a link or press a button."""
        target.click()

    def choose(self, radio: Locator) -> None:
        """Choose one of several."""
        radio.check()

    def write(self, target: Locator, text: str) -> None:
        """Write into a field."""
        target.fill(text)


class Keyboard(Mouse):
    """Somebody who has no mouse: Tab, arrows, Space, Enter and letters."""

    def press(self, target: Locator) -> None:
        self._go_to(target)
        self.page.keyboard.press("Enter")

    def choose(self, radio: Locator) -> None:
        name = radio.get_attribute("name")
        self._tab_until("name => document.activeElement.name === name", name)
        if not radio.is_checked():
            self.page.keyboard.press("Space")
        for _ in range(MOST_TABS):
            if radio.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"arrows do not lead to {radio}")

    def write(self, target: Locator, text: str) -> None:
        self._go_to(target)
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.type(text)

    def _go_to(self, target: Locator) -> None:
        self._tab_until("own => document.activeElement === own", target.element_handle())

    def _tab_until(self, there: str, argument: object) -> None:
        for _ in range(MOST_TABS):
            if self.page.evaluate(there, argument):
                shown = "getComputedStyle(document.activeElement)"
                seen = self.page.evaluate(f"[{shown}.outlineStyle, {shown}.boxShadow, document.activeElement.type]")
                assert seen[0] != "none" or seen[1] != "none" or seen[2] == "radio", "it is seen where the keyboard is"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {argument}")
