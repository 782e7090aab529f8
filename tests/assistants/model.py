#!/usr/bin/env python3
"""A scripted model: the servers of OpenAI and Google as far as their assistants ask.

model.py PORTFILE STEPS: listens on loopback, writes its port. STEPS is a JSON file: a list of shell commands to be
run, one a turn, and a last text. Which step is next follows from how many results the request holds, so that every
conversation goes through all of them."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STEPS = json.load(open(sys.argv[2], encoding="utf-8"))


def event(name, data):
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, body, kind="application/json", status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(b"{}", status=404)

    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        path = self.path.split("?")[0]
        if path.endswith("/responses"):
            self.reply(b"".join(openai(given)), "text/event-stream")
        elif path.endswith(":streamGenerateContent"):
            self.reply(b"data: " + json.dumps(google(given)).encode() + b"\n\n", "text/event-stream")
        elif path.endswith(":generateContent"):
            self.reply(json.dumps(google(given)).encode())
        elif path.endswith(":countTokens"):
            self.reply(b'{"totalTokens": 10}')
        else:
            self.reply(b"{}", status=404)


def openai(given):
    done = sum(item.get("type", "").endswith("_call_output") for item in given.get("input", []))
    if done < len(STEPS) - 1 and given.get("tools"):
        arguments = json.dumps({"cmd": STEPS[done], "yield_time_ms": 20000})
        item = {
            "type": "function_call",
            "id": f"fc_{done}",
            "call_id": f"call_{done}",
            "name": "exec_command",
            "arguments": arguments,
        }
    else:
        text = [{"type": "output_text", "text": STEPS[-1]}]
        item = {"type": "message", "id": f"msg_{done}", "role": "assistant", "content": text}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    yield event("response.created", {"type": "response.created", "response": {"id": f"r_{done}"}})
    yield event(
        "response.output_item.done",
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    )
    yield event(
        "response.completed",
        {"type": "response.completed", "response": {"id": f"r_{done}", "usage": usage}},
    )


def google(given):
    parts = [part for content in given.get("contents", []) for part in content.get("parts", [])]
    done = sum("functionResponse" in part for part in parts)
    if done < len(STEPS) - 1 and given.get("tools"):
        call = {"name": "run_shell_command", "args": {"command": STEPS[done], "description": "a step"}}
        part = {"functionCall": call}
    else:
        part = {"text": STEPS[-1]}
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        "modelVersion": "scripted",
    }


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.write(str(server.server_port))
server.serve_forever()
