#!/usr/bin/env bash
# Trains with several processes on each machine: one for each GPU, or, without GPUs, over gloo.
# Usage: tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
# More than one machine: set NNODES, NODE_RANK, MASTER_ADDR and PORT.
set -euo pipefail
config=${1:?usage: $0 CONFIG PROCESSES [arguments of tools/train.py]}
processes=${2:?usage: $0 CONFIG PROCESSES [arguments of tools/train.py]}
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    --nproc_per_node="$processes" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
