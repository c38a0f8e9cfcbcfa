#!/usr/bin/env bash
# Two hosts on one machine: network namespaces with a name of their own, joined by a virtual cable. A run across them
# equals one on a single host; with the cable cut in the middle it ends by the watchdog. Needs the right to make
# namespaces; without it the test says so and is reported as skipped.
source "$(dirname "$0")/fault_lib.sh"
A=hone-a-$$ B=hone-b-$$

unplug() {
  for namespace in $A $B; do
    # shellcheck disable=SC2046
    kill -KILL $(ip netns pids "$namespace" 2> /dev/null) 2> /dev/null
    ip netns del "$namespace" 2> /dev/null
  done
  rm -rf "$WORK"
}
trap unplug EXIT

plug_in() {
  ip netns add $A && ip netns add $B || return
  ip -n $A link add cable type veth peer name cable netns $B || return
  ip -n $A addr add 10.77.0.1/24 dev cable && ip -n $B addr add 10.77.0.2/24 dev cable || return
  for namespace in $A $B; do
    ip -n "$namespace" link set lo up && ip -n "$namespace" link set cable up || return
    # A lost packet is given up after a second or two: Open MPI's own daemons have no watchdog, only TCP's.
    ip netns exec "$namespace" sysctl -qw net.ipv4.tcp_retries2=3 || return
  done
  ip netns exec $A unshare -u hostname host-a
}
if ! plug_in 2> why; then
  echo "SKIPPED: no two hosts on this machine: $(cat why)"
  exit 77
fi

# What starts a process on the other host, in ssh's place: its arguments are the host and a command line.
cat > remote << AGENT
#!/bin/sh
shift
exec ip netns exec $B unshare -u sh -c "hostname host-b; exec \$*"
AGENT
chmod +x remote
across=(ip netns exec "$A" unshare -u sh -c 'hostname host-a; exec "$@"' sh mpirun -n 2 -H 10.77.0.1,10.77.0.2
  --bind-to core --mca plm rsh --mca plm_rsh_agent "$WORK/remote" --mca btl tcp,self
  --mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 2)

# One thread a rank on both sides: of two hosts each would have all cores.
job+=(--train.steps 12)
timeout "$LIMIT" mpirun --oversubscribe --bind-to core -n 2 "$HONE" train "${job[@]}" > out 2> err
expect_code 0 $? "mpirun -n 2 on one host"
says err "rank 1 on $(hostname)"
mv run straight
timeout "$LIMIT" "${across[@]}" "$HONE" train "${job[@]}" > out 2> err
expect_code 0 $? "mpirun across two hosts"
says err "rank 0 on host-a"
says err "rank 1 on host-b"
diff -r straight/checkpoints run/checkpoints || fail "checkpoints differ across hosts"
same_training straight/metrics.jsonl run/metrics.jsonl
same straight/adapter/adapter_model.safetensors run/adapter/adapter_model.safetensors

# The cable cut: each side ends by its own watchdog, and the launcher with its code.
"${across[@]}" "$HONE" train "${job[@]}" --train.steps 100000 --dist.timeout_s 2 --run.dir cut > out 2> err &
LAUNCHER=$!
wait_for_rows 20 cut/metrics.jsonl
ip -n $A link set cable down
end_ranks 5 "the cable is cut"
one_error err
says err 'error\[MP005\].*rank 0 on host-a: .*, number [0-9]*, phase [a-z+]*, waited 2 s for rank 1 on host-b'
says cut/logs/rank-001.log 'error\[MP005\].*rank 1 on host-b: .* for rank 0 on host-a'
for _ in $(seq 20); do
  [ -z "$(ip netns pids $A)$(ip netns pids $B)" ] && break
  sleep 0.5
done
[ -z "$(ip netns pids $A)$(ip netns pids $B)" ] || fail "processes stay behind: $(ip netns pids $A; ip netns pids $B)"

# Plugged in again, the run goes on.
ip -n $A link set cable up
reaches() { ip netns exec "$1" bash -c ": < /dev/tcp/$2/9" 2>&1 | grep -q refused; }  # by a machine that is there
for _ in $(seq 100); do
  reaches $A 10.77.0.2 && reaches $B 10.77.0.1 && break
  sleep 0.1
done
newest=$(newest_checkpoint cut)
timeout "$LIMIT" "${across[@]}" "$HONE" train "${job[@]}" --train.steps 100000 --train.max_time 00:00:02 --dist.timeout_s 10 \
  --run.dir cut > out 2> err
expect_code 75 $? "mpirun across two hosts after the cut"
says err "going on from .* (step $newest)"
finish
