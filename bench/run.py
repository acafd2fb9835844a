"""Benchmarks banjia, nginx and a plain relay: the same load for each, one at a time, in rounds, on a separate core.

    python -m bench.run                                  # three rounds, about a minute each
    python -m bench.run --only nginx,banjia --modes requests,paced --rounds 5

The proxy has core 0 to itself; the mock vendor and the load generator share core 1. Ratios are taken within each round
against the first target, because the speed of a shared machine varies. nginx is skipped if it is not installed. ``--out``
writes the results as JSON.
"""

# ruff: noqa: S310, S603, S607, T201

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.load import MODES, rss_mb

ROOT = Path(__file__).resolve().parent.parent
PROXY_CORE, LOAD_CORE = 0, 1
VENDOR_PORT = 9100
NGINX = """daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid {dir}/pid; error_log stderr error;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
  client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
  uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
  upstream vendor {{ server 127.0.0.1:9100; keepalive 2000; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:9201 backlog=2048;
    location / {{
      proxy_pass http://vendor; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer sk-upstream"; proxy_buffering off; proxy_read_timeout 300s;
    }}
  }}
}}
"""
BANJIA = [sys.executable, "-m", "proxy", "serve", "-c", "bench/banjia.bench.yaml"]
TARGETS: dict[str, tuple[int, list[str]]] = {
    "nginx": (9201, ["nginx", "-c"]),
    "plain": (9220, [sys.executable, "-m", "bench.plain", "--port", "9220", "--transport", "fast"]),
    "plain-httpx": (9220, [sys.executable, "-m", "bench.plain", "--port", "9220", "--transport", "httpx"]),
    "banjia": (9210, [*BANJIA]),
    "banjia-httpx": (9210, ["env", "BANJIA_SERVER__TRANSPORT=httpx", *BANJIA]),
}
COLUMNS = [
    ("first answer s", "start", "answer_s"),
    ("idle MiB", "start", "rss_mb"),
    ("request us", "requests", "cpu_us"),
    ("requests/s", "requests", "per_s"),
    ("p50 ms", "requests", "p50_ms"),
    ("p99 ms", "requests", "p99_ms"),
    ("one caller us", "single", "cpu_us"),
    ("burst stream us", "burst", "cpu_us"),
    ("paced event us", "paced", "cpu_us"),
    ("delay p50 ms", "paced", "p50_ms"),
    ("delay p99 ms", "paced", "p99_ms"),
    ("1000 streams: cores", "many", "cores"),
    ("event us", "many", "cpu_us"),
    ("delay p99 ms", "many", "p99_ms"),
    ("MiB", "many", "rss_mb"),
    ("failed", "many", "bad"),
]


def start(command: list[str], core: int, log: Any) -> subprocess.Popen[bytes]:
    """Start a command on a core."""
    return subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        cwd=ROOT,
        stdout=log,
        stderr=log,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop all started processes."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def first_answer_s(port: int, began: float) -> float:
    """Return the seconds from ``began`` until a chat completion succeeds. Raises TimeoutError after 20."""
    body = json.dumps({"model": "bench", "messages": [{"role": "user", "content": "hello"}]}).encode()
    headers = {"content-type": "application/json", "authorization": "Bearer sk-bench"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body, headers)
    while time.monotonic() - began < 20:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                if b"BENCH" in answer.read():
                    return time.monotonic() - began
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(f"no successful response from port {port} within 20 seconds")


def speed_ms() -> float:
    """Return how long a fixed piece of Python takes on the proxy's core now (milliseconds)."""
    code = "import time;t=time.perf_counter();sum(i*i for i in range(2000000));print((time.perf_counter()-t)*1e3)"
    command = ["taskset", "-c", str(PROXY_CORE), sys.executable, "-c", code]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def measure(name: str, modes: list[str], log: Any, folder: str) -> dict[str, Any]:
    """Run all modes against a fresh instance of one target."""
    port, command = TARGETS[name]
    if name == "nginx":
        config = Path(folder, "nginx.conf")
        config.write_text(NGINX.format(dir=folder), encoding="utf-8")
        command = [*command, str(config)]
    result: dict[str, Any] = {"speed_ms": round(speed_ms())}
    began = time.monotonic()
    process = start(command, PROXY_CORE, log)
    try:
        answer_s = first_answer_s(port, began)
        result["start"] = {"answer_s": round(answer_s, 2), "rss_mb": round(rss_mb(process.pid), 1)}
        time.sleep(0.5)
        for mode in modes:
            call = [sys.executable, "-m", "bench.load", mode, "--port", str(port), "--pid", str(process.pid)]
            done = subprocess.run(
                ["taskset", "-c", str(LOAD_CORE), *call], cwd=ROOT, capture_output=True, check=True, timeout=300
            )
            result[mode] = json.loads(done.stdout)
    finally:
        stop(process)
    return result


def cell(runs: list[dict[str, Any]], base: list[dict[str, Any]], mode: str, field: str) -> str:
    """Return the median, and in brackets the median of the ratios to the base's run in the same round."""
    pairs = [
        (run[mode][field], other[mode][field])
        for run, other in zip(runs, base, strict=True)
        if run.get(mode, {}).get(field) is not None
    ]
    if not pairs:
        return "-"
    text = f"{statistics.median(value for value, _ in pairs):.4g}"
    ratios = [value / first for value, first in pairs if first]
    if runs is base or not ratios or field in ("bad", "answer_s", "rss_mb"):
        return text
    return f"{text} ({statistics.median(ratios):.2g}x)"


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Return the results as a Markdown table."""
    base = next(iter(results.values()))
    used = [column for column in COLUMNS if column[1] in base[0]]
    lines = ["| | " + " | ".join(title for title, _, _ in used) + " |", "|---" * (len(used) + 1) + "|"]
    for name, runs in results.items():
        lines.append(f"| {name} | " + " | ".join(cell(runs, base, mode, field) for _, mode, field in used) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="nginx,plain,banjia", help="of: " + ", ".join(TARGETS))
    parser.add_argument("--modes", default="requests,burst,paced,many", help="of: " + ", ".join(MODES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="file for the single results, as JSON")
    parser.add_argument("--log", default=os.devnull, help="file for the proxies' output")
    args = parser.parse_args()
    names = [name for name in args.only.split(",") if name != "nginx" or shutil.which("nginx")]
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with Path(args.log).open("ab") as log, tempfile.TemporaryDirectory() as folder:
        vendor = start([sys.executable, "-m", "bench.mock", "--port", str(VENDOR_PORT)], LOAD_CORE, log)
        try:
            first_answer_s(VENDOR_PORT, time.monotonic())
            for turn in range(args.rounds):
                for name in names:
                    result = measure(name, args.modes.split(","), log, folder)
                    results[name].append(result)
                    print(f"# round {turn + 1}, {name}: {json.dumps(result)}", file=sys.stderr, flush=True)
        finally:
            stop(vendor)
    if args.out:
        args.out.write_text(json.dumps(results), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
