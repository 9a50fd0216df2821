# Sourced by the checks that need the oracle: sets $python to PYTHON, or to a virtual environment made once from tools/oracle/requirements.txt.
python=${PYTHON:-}
if [ -z "$python" ]; then
  venv=${XDG_CACHE_HOME:-$HOME/.cache}/minke-oracle
  python=$venv/bin/python
  if ! cmp -s tools/oracle/requirements.txt "$venv/installed.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --extra-index-url https://download.pytorch.org/whl/cpu -r tools/oracle/requirements.txt
    cp tools/oracle/requirements.txt "$venv/installed.txt"
  fi
fi
