PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# Modules are compiled once, and not in each of the processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup prices laws predict claims demo test test-slow releases test-lowest coverage check lint web format benchmark constraints readme walk clean fuzz faults workers ray trials screenshots site streamlit

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "adk-flow needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
	  || { echo "$(PYTHON) has no venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv (once, about a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# The demo is always keyless, whatever .env says, and made anew each time.
demo: $(INSTALLED)
	@echo "The advice desk: a lead agent and specialists for investments, pensions and"
	@echo "mortgages. Asked four questions, see which agent has control (|> => ->) and who"
	@echo "says what to whom (\"\"); then the same questions, the agents wired in other ways."
	@MODEL_NAME=offline $(BIN)/adk-flow run root_agent --conversation conversations/three_topics.yaml
	@echo && echo "The same desk under every construct:" && rm -rf comparisons/demo
	@MODEL_NAME=offline $(BIN)/adk-flow compare root_agent --constructs all \
	  --conversation conversations/ --baseline single_agent --out comparisons/demo

test: $(INSTALLED)
	@$(BIN)/pytest
	@echo "Left out: what needs a browser, other releases of ADK or much time (make test-slow)."

# uv makes the environments; without it, a network or Chromium, pytest says what was left out.
# Every release of ADK has its own target.
test-slow: $(INSTALLED)
	@$(BIN)/pytest -m "browser or environments or hypothesis" --hypothesis-profile=thorough \
	  --ignore=tests/releases/test_minors.py -o faulthandler_timeout=480

# RELEASES limits it by pytest's -k, as in CI: make releases RELEASES="1.39 or 2.13".
releases: $(INSTALLED)
	@$(BIN)/pytest -m environments tests/releases/test_minors.py -k "$(RELEASES)" \
	  -o faulthandler_timeout=480

# Random agent trees against ADK's own events and a virtual clock: make fuzz N=10000
fuzz: $(INSTALLED)
	@$(BIN)/python -W ignore -m tests.fuzz.oracle --number $(or $(N),1000) 2>/dev/null

# Every fault under every construct, with the recorder and without; writes docs/promises.md's table.
faults: $(INSTALLED)
	@$(BIN)/python -m tests.faults

# 200 sessions over two workers on Postgres, one of which is killed: make workers SESSIONS=20
workers: $(INSTALLED)
	@$(BIN)/python -W ignore -m tests.doubles.workers --sessions $(or $(SESSIONS),200)

# Trials on a Ray cluster of two nodes, of which one is lost; equal to one process.
ray: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ray]'
	@$(BIN)/pytest -n 0 -m environments tests/comparison/test_ray.py

# One process, one for each core, and Ray (after `make ray`): make trials N=10000 WAYS="1 2 ray"
trials: $(INSTALLED)
	@$(BIN)/python benchmarks/trials.py --number $(or $(N),10000) --ways $(or $(WAYS),1 2 ray)

# The lower bounds of what adk-flow needs, with the newest ADK, by the recorder's and the log's tests.
test-lowest: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	@$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct \
	  . google-adk==2.13.0
	@$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python -c constraints.txt \
	  pytest pytest-asyncio pytest-socket pytest-xdist hypothesis
	@.venv-lowest/bin/python -m pytest tests/record tests/log/test_log.py

# What others have published of constructs, beside what they take here: make claims CLAIMS=one_task
claims: $(INSTALLED)
	@$(BIN)/python -W ignore docs/claims.py $(CLAIMS)

coverage: $(INSTALLED)
	@$(BIN)/pytest --cov --cov-report=term

check: lint test

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/python docs/readme.py --check

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# ADK's web UI with the page of flows beside it: make web PORT=8001
# A missing key ends it here, in one line, and not in the middle of the first question.
web: $(INSTALLED)
	@$(BIN)/python -c 'from dotenv import load_dotenv; load_dotenv(".env"); import root_agent.agent'
	@$(BIN)/adk-flow watch --with $(BIN)/adk web --host 127.0.0.1 --port $(or $(PORT),8000) .

# The functions from a path to its comparison's report, and calls into earlier layers.
walk: $(INSTALLED)
	@$(BIN)/python docs/walk.py

# The price table that comes along, taken anew from the installed LiteLLM.
prices: $(INSTALLED)
	@$(BIN)/python docs/prices.py

# What each construct takes, as formulas fitted to some thousand controlled runs; minutes.
laws: $(INSTALLED)
	@$(BIN)/python -W ignore docs/laws.py

# How often adk-flow predict is right on apps that no law was fitted to: make predict
# (N=3 tries fewer apps and leaves docs/laws.md as it is)
predict: $(INSTALLED)
	@$(BIN)/python -W ignore docs/predictions.py --number $(or $(N),30) $(if $(N),,--write) \
	  root_agent examples/calculator

# Pins what is installed now; run it after a deliberate upgrade.
constraints: $(INSTALLED)
	$(BIN)/python -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9_.-]+==' > constraints.txt

benchmark: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[benchmark]'
	$(BIN)/python benchmarks/recorder.py
	$(BIN)/python benchmarks/recorder.py --long
	$(BIN)/python benchmarks/long_conversation.py
	$(BIN)/python benchmarks/measure.py
	$(BIN)/python benchmarks/masking.py
	$(BIN)/python benchmarks/wrappers.py
	$(BIN)/python benchmarks/fanout.py
	$(BIN)/python benchmarks/watch.py

clean:
	rm -rf .site .venv .venv-benchmark .venv-lowest .pytest_cache .ruff_cache .hypothesis flow_logs comparisons

# Chat with an app in a browser, and see its flow draw itself: make streamlit PORT=8502
streamlit: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@$(BIN)/streamlit run demo/chat.py --server.address 127.0.0.1 --server.port $(or $(PORT),8501) \
	  --server.headless true --browser.gatherUsageStats false --client.toolbarMode minimal

# The documentation as a site in .site/html, which loads nothing from elsewhere.
site: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@$(BIN)/python docs/build_site.py
	@echo "The site: .site/html/index.html (to read it: $(BIN)/python -m http.server -d .site/html)"

# The documentation's pictures, by a headless Chromium.
screenshots: $(INSTALLED)
	@$(BIN)/python docs/screenshots.py

readme: $(INSTALLED)
	@$(BIN)/python docs/readme.py
