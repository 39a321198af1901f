#!/usr/bin/env bash
# Tells whether TensorFlow Serving serves a model. It reads the state of the model's versions, because
# the server answers 200 also while it loads the model and after it failed. It runs inside the server's
# container and needs only bash.
#
#   probe.sh ready|alive MODEL [PORT]
#
#   ready   ends with 0 if a version is AVAILABLE
#   alive   ends with 0 if a version is AVAILABLE, or still at START or LOADING
set -euo pipefail

port=8501
if (($# > 2)); then port=$3; fi
case $1 in
    ready) states="AVAILABLE" ;;
    alive) states="START|LOADING|AVAILABLE" ;;
    *) echo "probe.sh: error: expected ready or alive, found '$1'" >&2 && exit 2 ;;
esac
pattern="\"state\": *\"($states)\""
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /v1/models/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
while ((SECONDS < 5)) && { IFS= read -r -t 5 line <&3 || [[ -n $line ]]; }; do
    [[ ! $line =~ $pattern ]] || exit 0
done
echo "probe.sh: the server reports no version of $2 with the state $states" >&2
exit 1
