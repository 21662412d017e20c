import { toHex } from "viem";
import { describe, expect, it } from "vitest";
import { displayText } from "./text.ts";

describe("displayText", () => {
  it("leaves ordinary text of any script alone", () => {
    expect(displayText(toHex("https://tee-07.example/path?ü=日本"), 100)).toEqual({
      text: "https://tee-07.example/path?ü=日本",
      altered: false,
    });
  });

  it("drops NUL, controls and characters that change direction or hide", () => {
    const { text, altered } = displayText(toHex("a\u0000b\u001b[31m\u202Egpj.exe\u200B\n"), 100);
    expect(text).toBe("ab[31mgpj.exe");
    expect(altered).toBe(true);
  });

  it("replaces invalid UTF-8", () => {
    expect(displayText("0x41ff42", 100)).toEqual({ text: "A\uFFFDB", altered: true });
  });

  it("shortens by code points, and reads only the head of megabytes", () => {
    const { text, altered } = displayText(toHex("😀".repeat(300_000)), 5);
    expect(text).toBe("😀😀😀😀😀");
    expect(altered).toBe(true);
  });

  it("gives empty text for no bytes", () => {
    expect(displayText("0x", 10)).toEqual({ text: "", altered: false });
  });
});
