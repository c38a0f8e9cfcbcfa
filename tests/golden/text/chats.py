"""Conversations and the templates they are rendered with: as models carry them, and with the span that training
supervises marked by transformers' {% generation %}."""

ALPACA_PREAMBLE = ("Below is an instruction that describes a task. Write a response that appropriately completes the "
                   "request.")
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def turn(role, content):
    return {"role": role, "content": content}


CHATS = [
    [turn("user", "Hi"), turn("assistant", "Hello! How can I help?")],
    [turn("system", "Be brief."), turn("user", "2+2?"), turn("assistant", "4")],
    [turn("user", "a"), turn("assistant", "b"), turn("user", "c"), turn("assistant", "d")],
    [turn("user", "  spaces around \n"), turn("assistant", "\n leading newline and space ")],
    [turn("user", "empty answer"), turn("assistant", "")],
    [turn("user", "नमस्ते 你好 🙂"), turn("assistant", "👩‍👩‍👧 مرحبا 123456")],
    [turn("user", "tokens <|im_end|> </s> inside"), turn("assistant", "so <|im_start|>user\nhere <|eot_id|> too")],
    [turn("user", "def f(x):\n    return x"), turn("assistant", "```python\nprint(f(1))\n```\n\n")],
    [turn("system", "s"), turn("user", "u\r\n"), turn("assistant", "<|"), turn("user", ">"), turn("assistant", "|>\n")],
]


def chatml(first=""):
    head = "{% for message in messages %}" + first
    tail = "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    plain = "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    masked = ("{{'<|im_start|>' + message['role'] + '\n'}}{% if message['role'] == 'assistant' %}{% generation %}"
              "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{% else %}"
              "{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}")
    return {"plain": head + plain + tail, "masked": head + masked + tail}


def zephyr():
    def text(assistant):
        return ("{% for message in messages %}\n{% if message['role'] == 'user' %}\n"
                "{{ '<|user|>\n' + message['content'] + eos_token }}\n"
                "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
                "{% elif message['role'] == 'assistant' %}\n" + assistant + "\n{% endif %}\n"
                "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}")
    return {"plain": text("{{ '<|assistant|>\n'  + message['content'] + eos_token }}"),
            "masked": text("{{ '<|assistant|>\n' }}{% generation %}{{ message['content'] + eos_token }}"
                           "{% endgeneration %}{{ '' }}")}


def llama3():
    head = "{% set loop_messages = messages %}{% for message in loop_messages %}"
    tail = ("{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
            "{% endif %}")
    plain = ("{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] "
             "| trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
             "{{ content }}")
    masked = ("{% if loop.index0 == 0 %}{{ bos_token }}{% endif %}"
              "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
              "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] | trim + '<|eot_id|>' }}"
              "{% endgeneration %}{% else %}{{ message['content'] | trim + '<|eot_id|>' }}{% endif %}")
    return {"plain": head + plain + tail, "masked": head + masked + tail}


def alpaca():
    def text(assistant):
        return ("{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
                "{% elif message['role'] == 'user' %}"
                "{% if loop.first %}{{ '" + ALPACA_PREAMBLE + "\n\n' }}{% endif %}"
                "{% if loop.index0 > 0 and messages[loop.index0 - 1]['role'] == 'assistant' %}{{ '\n\n' }}{% endif %}"
                "{{ '### Instruction:\n' + message['content'] + '\n\n' }}{% else %}{{ '### Response:\n' }}" + assistant +
                "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '### Response:\n' }}{% endif %}")
    return {"plain": text("{{ message['content'] + eos_token }}"),
            "masked": text("{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}")}


TEMPLATES = {
    "chatml": chatml(),
    "smollm2": chatml("{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n" + SYSTEM +
                      "<|im_end|>\n' }}{% endif %}"),
    "zephyr": zephyr(),
    "llama3": llama3(),
    "alpaca": alpaca(),
}
