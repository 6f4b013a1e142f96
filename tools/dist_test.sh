#!/usr/bin/env bash
# Tests with several processes on each machine: one for each GPU, or, without GPUs, over gloo.
# Usage: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
# More than one machine: set NNODES, NODE_RANK, MASTER_ADDR and PORT.
set -euo pipefail
config=${1:?usage: $0 CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]}
checkpoint=${2:?usage: $0 CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]}
processes=${3:?usage: $0 CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]}
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    --nproc_per_node="$processes" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
