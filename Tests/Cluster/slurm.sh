#!/bin/bash
# A Slurm of its own for tests, on this machine and without systemd: Debian's packages slurm-wlm and munge are all that it needs.
#
#   slurm.sh start FOLDER   makes FOLDER with keys, configuration, state and logs, and starts munged, slurmctld and a slurmd for each of
#                           the simulated nodes; prints the path of slurm.conf, for SLURM_CONF
#   slurm.sh kill FOLDER NODE     kills the slurmd of node1, node2, …; its jobs go on, as on a node that the network lost
#   slurm.sh revive FOLDER NODE   starts it again
#   slurm.sh stop FOLDER    ends these processes, by the ids in FOLDER/pids, and what they started; the folder stays, for its logs
#   slurm.sh run COMMAND…   runs a command with such a Slurm in a new folder of /tmp, whose slurm.conf CELLAR_TEST_SLURM names, and
#                           stops it; the daemons' logs are kept where the command fails
#
# There is no accounting: `sacct` fails, as it does on clusters whose accounting is off. Nodes are names: all are this machine.
# SLURM_NODES (3) nodes have one processor and SLURM_NODE_MEMORY (2000) MB each. Ends with 77 where the packages are missing.
set -u

die() { echo "slurm.sh: $1" >&2; exit "${2:-1}"; }
usage="usage: slurm.sh start|stop FOLDER, slurm.sh kill|revive FOLDER NODE, or slurm.sh run COMMAND…"
[ $# -ge 2 ] || die "$usage" 2
if [ "$1" = run ]; then
    shift
    folder=$(mktemp -d /tmp/cellar-slurm-XXXXXX) || exit 1
    command=
    trap '[ -z "$command" ] || kill $command 2>/dev/null; "$0" stop "$folder"' EXIT
    trap 'exit 1' TERM INT HUP
    CELLAR_TEST_SLURM=$("$0" start "$folder") || exit
    export CELLAR_TEST_SLURM
    "$@" & command=$!
    wait $command
    status=$?
    trap - EXIT
    "$0" stop "$folder"
    if [ $status = 0 ]; then rm -rf "$folder"; else echo "slurm.sh: the logs are in $folder/log" >&2; fi
    exit $status
fi
[ $# -le 3 ] || die "$usage" 2
mkdir -p "$2" || exit 1
folder=$(cd "$2" && pwd) || exit 1
nodes=${SLURM_NODES:-3}
memory=${SLURM_NODE_MEMORY:-2000}
PATH=$PATH:/usr/sbin:/sbin

# The time at which a process began: a process of this id that began at another time is somebody else's. Nothing where it has ended, also
# where nobody has taken note of its end.
began() { sed -n 's/.*) \([^Z].*\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# Starts a daemon in the foreground of a session of its own, and notes its id.
daemon() {
    local name=$1; shift
    nohup setsid nice -n 10 "$@" >>"$folder/log/$name.out" 2>&1 </dev/null &
    local id=$!
    echo "$id $(began $id) $name" >>"$folder/pids"
}

# A port where nothing listens, of the 50 from a random one on that no other start took.
free_ports() {
    local base try port
    for try in 1 2 3 4 5 6 7 8 9 10; do
        base=$((20000 + (RANDOM % 200) * 50))
        for ((port = base; port <= base + nodes; port++)); do
            (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue 2
        done
        echo $base; return
    done
    die "no free ports were found"
}

configure() {
    local host base user
    host=$(hostname -s)
    user=$(id -un)
    base=$(free_ports) || exit 1
    mkdir -p "$folder"/{log,run,state,spool}
    chmod 755 "$folder" "$folder"/run
    chmod 700 "$folder"/state
    : >"$folder/pids"
    (umask 077; head -c 1024 /dev/urandom >"$folder/munge.key")
    : >"$folder/cgroup.conf"
    cat >"$folder/slurm.conf" <<END
ClusterName=cellar-tests
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$base
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
# A task that begins again waits for the end of its first credential.
AuthInfo=socket=$folder/run/munge.socket,cred_expire=20
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
# No cgroups, which a container may lack: processes are found by /proc, and memory is watched by sampling it.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/log/jobcomp.txt
MaxArraySize=50
MaxJobCount=20000
MinJobAge=600
KillWait=2
SlurmdTimeout=8
SlurmctldTimeout=8
InactiveLimit=0
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=sched_interval=2,sched_min_interval=100000,batch_sched_delay=1,bf_interval=2
NodeName=node[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((base + 1))-$((base + nodes))] CPUs=1 RealMemory=$memory
PartitionName=main Nodes=ALL Default=YES MaxTime=2:00:00 DefaultTime=10 DefMemPerCPU=200 PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=1:00:00 DefMemPerCPU=200 PriorityTier=10 PreemptMode=off
END
}

start() {
    for program in munged slurmctld slurmd sbatch; do
        command -v $program >/dev/null || die "$program is missing: apt-get install slurm-wlm munge" 77
    done
    [ ! -s "$folder/pids" ] || die "a Slurm was started in $folder already; stop it first"
    [ ${#folder} -le 80 ] || die "the path $folder is too long for a socket"
    configure
    export SLURM_CONF=$folder/slurm.conf
    daemon munged munged --foreground --force --socket="$folder/run/munge.socket" --key-file="$folder/munge.key" \
        --pid-file="$folder/run/munged.pid" --seed-file="$folder/munge.seed" --log-file="$folder/log/munged.log" --num-threads=2
    for _ in $(seq 50); do [ -S "$folder/run/munge.socket" ] && break; sleep 0.1; done
    [ -S "$folder/run/munge.socket" ] || { stop; die "munged did not start; see $folder/log"; }
    daemon slurmctld slurmctld -D -f "$SLURM_CONF"
    for number in $(seq "$nodes"); do node "node$number"; done
    for _ in $(seq 300); do
        [ "$(idle)" = "$nodes" ] && break
        # A daemon that refuses its configuration has ended by now.
        alive || break
        sleep 0.2
    done
    [ "$(idle)" = "$nodes" ] || { stop; die "the nodes did not come up; see $folder/log"; }
    echo "$SLURM_CONF"
}

idle() { timeout 5 sinfo --noheader --Node --partition=main --states=idle --format=%N 2>/dev/null | wc -l; }

# Whether all daemons that were started are there.
alive() {
    local id time name
    while read -r id time name; do [ "$(began "$id")" = "$time" ] || return 1; done <"$folder/pids"
}

node() { daemon "$1" slurmd -D -N "$1" -f "$folder/slurm.conf"; }

# The processes that look after jobs here: they have this configuration in their environment.
stepds() {
    local id
    for id in $(pgrep slurmstepd); do
        cat "/proc/$id/environ" 2>/dev/null | tr '\0' '\n' | grep -qx "SLURM_CONF=$folder/slurm.conf" && echo "$id"
    done
}

stop() {
    [ -s "$folder/pids" ] || return 0
    SLURM_CONF=$folder/slurm.conf timeout 5 scancel --quiet --user="$(id -un)" 2>/dev/null
    for _ in $(seq 80); do [ -z "$(stepds)" ] && break; sleep 0.1; done
    local id time name job
    tac "$folder/pids" | while read -r id time name; do
        [ "$(began "$id")" = "$time" ] && kill -TERM "$id" 2>/dev/null
    done
    for _ in $(seq 50); do
        while read -r id time name; do [ "$(began "$id")" = "$time" ] && echo; done <"$folder/pids" | grep -q . || break
        sleep 0.1
    done
    while read -r id time name; do
        [ "$(began "$id")" = "$time" ] && kill -KILL "$id" 2>/dev/null
    done <"$folder/pids"
    # Jobs of nodes that were killed are out of reach for scancel.
    for id in $(stepds); do
        for job in $(pgrep -P "$id"); do kill -KILL -- "-$job" 2>/dev/null; done
        kill -KILL "$id" 2>/dev/null
    done
    rm -f "$folder/pids"
}

# The daemon of a node alone: the steps of its jobs go on, as those of a node that the network lost.
kill_node() {
    local id time name
    while read -r id time name; do
        if [ "$name" = "$1" ] && [ "$(began "$id")" = "$time" ]; then kill -KILL "$id"; fi
    done <"$folder/pids"
    grep -v " $1\$" "$folder/pids" >"$folder/pids.new"; mv "$folder/pids.new" "$folder/pids"
}

case $1 in
start) start ;;
stop) stop ;;
kill) kill_node "${3:?$usage}" ;;
revive) node "${3:?$usage}" ;;
*) die "$usage" 2 ;;
esac
