"""What transformers renders with the Jinja texts that Hone writes beside a trained model (data/text/chat_formats.cpp).

    python make_written_template_goldens.py

For every text: the text itself, so that a test sees where it has changed since, and the conversations of chats.py and
Alpaca's with an input, whole and as a prompt, with the tiny tokenizer llama3.
"""
import json
import os
import re

import transformers

from chats import CHATS, turn

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "../../../data/text/chat_formats.cpp")
WITH_INPUT = [[turn("user", "Sum up.\n\n### Input:\nA long text."), turn("assistant", "Short.")],
              [turn("system", "s"), turn("user", "u\n\n### Input:\nv"), turn("assistant", "a"), turn("user", "w"),
               turn("assistant", "b")]]


def written_texts():
    source = open(SOURCE, encoding="utf-8").read()
    constants = dict(re.findall(r'(k\w+) =\s*R"jinja\((.*?)\)jinja"', source, re.S))
    return {name: constants[constant]
            for name, constant in re.findall(r'\{"(\w+)", \w+, \w+, \w+, (k\w+)\}', source)}


def rows(tokenizer, jinja):
    def render(messages, prompt):
        return tokenizer.apply_chat_template(messages, chat_template=jinja, tokenize=False, add_generation_prompt=prompt)

    return [{"messages": chat, "text": render(chat, False), "prompt": render(chat[:-1], True)}
            for chat in CHATS + WITH_INPUT]


def main():
    tokenizer = transformers.AutoTokenizer.from_pretrained(os.path.join(HERE, "llama3"))
    templates = {name: {"jinja": jinja, "rows": rows(tokenizer, jinja)} for name, jinja in written_texts().items()}
    with open(os.path.join(HERE, "written_templates.json"), "w", encoding="utf-8") as file:
        json.dump({"versions": {"transformers": transformers.__version__}, "templates": templates}, file,
                  ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
