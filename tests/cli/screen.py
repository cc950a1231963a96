# SPDX-License-Identifier: Apache-2.0
"""A small terminal: enough to see what a person would see of a live table."""

import re

TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b(.)|([\r\n\b\t])|([^\x1b\r\n\b\t]+)", re.S)


class Screen:
    """Lines wrap and, when the width changes, wrap anew, as today's terminals do."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines = [["", False]]  # text, continued on the next one
        self.row = self.column = 0
        self.sequences = []

    def feed(self, text):
        for match in TOKEN.finditer(text):
            numbers, letter, other, control, plain = match.groups()
            if letter:
                self.sequences.append(match.group(0))
                self.command(letter, numbers)
            elif other:
                raise AssertionError(f"unknown sequence {match.group(0)!r}")
            elif control:
                self.control(control)
            else:
                for char in plain:
                    self.put(char)

    def top(self):
        """The first line that the cursor can reach."""
        return max(0, len(self.lines) - self.rows)

    def down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append(["", False])

    def put(self, char):
        if self.column == self.columns:
            self.lines[self.row][1] = True
            self.down()
            self.column = 0
        text = self.lines[self.row][0].ljust(self.column)
        self.lines[self.row][0] = text[:self.column] + char + text[self.column + 1:]
        self.column += 1

    def control(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.down()
        else:
            raise AssertionError(f"control character {char!r}")

    def command(self, letter, numbers):
        count = int(numbers) if numbers.isdigit() else 1
        if letter == "A":
            self.row = max(self.top(), self.row - count)
        elif letter == "K":
            self.lines[self.row] = [self.lines[self.row][0][:self.column], False]
        elif letter == "J":
            self.lines[self.row] = [self.lines[self.row][0][:self.column], False]
            del self.lines[self.row + 1:]
        elif letter != "m":
            raise AssertionError(f"unexpected command {numbers}{letter}")

    def resize(self, columns, rows):
        """Everything is wrapped anew; the cursor stays at the text it was at."""
        logical, cursor = [], None
        joined = ""
        for i, (text, continued) in enumerate(self.lines):
            if i == self.row:
                cursor = (len(logical), len(joined) + self.column)
            joined += text
            if not continued:
                logical.append(joined)
                joined = ""
        self.columns, self.rows, self.lines = columns, rows, []
        for i, text in enumerate(logical):
            parts = [text[at:at + columns] for at in range(0, len(text), columns)] or [""]
            if cursor[0] == i:
                part = min(cursor[1] // columns, len(parts) - 1)
                self.row, self.column = len(self.lines) + part, cursor[1] - part * columns
            self.lines += [[part, j + 1 < len(parts)] for j, part in enumerate(parts)]

    def text(self):
        """What is there from the beginning, the part that scrolled away included."""
        return [text.rstrip() for text, _ in self.lines]
