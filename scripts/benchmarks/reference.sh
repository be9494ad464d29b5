#!/bin/sh
# All figures of README.md and profile.md anew, on one and two ranks; a quarter of an hour on two quiet
# cores. Usage: scripts/benchmarks/reference.sh DIR
set -eu
out=${1:?usage: reference.sh DIR}
export OMP_NUM_THREADS=1 MPLBACKEND=Agg
bench="python -m interphase.scripts.benchmarks"
mkdir -p "$out"

# A process for each: peaks of memory are those of one benchmark, and a run cut short keeps the rest.
one() { name=$1; shift; $bench "$name" -o "$out/$name" "$@" > "$out/$name.log" 2>&1 || echo "$name: exit $?"; }
two() { name=$1; shift; mpirun -n 2 $bench "$name" -o "$out/$name-2" "$@" > "$out/$name-2.log" 2>&1 || echo "$name on 2: exit $?"; }

one mosaic_3d
two mosaic_3d
one scaling --repeats 2
two scaling --repeats 2
one mosaic_formation
two mosaic_formation
one film_growth
one growth
one film_demo
one allen_cahn
one bm1b
one bm7
one bm8a
python -m interphase.scripts.benchmarks.flame -o "$out/flame.png" > "$out/flame.log" 2>&1 || echo "flame: exit $?"
