bind "set enable-bracketed-paste off"
bind -x '"\C-g": printf "<<%s>>" "$READLINE_LINE"'
eval "$(/work/main/.venv/bin/python -m codegen completion bash)"
stty -echo; echo re''ady
bind "set enable-bracketed-paste off"
bind -x '"\C-g": printf "<<%s>>" "$READLINE_LINE"'
eval "$(/work/main/.venv/bin/python -m codegen completion bash)"
stty -echo; echo re''ady
