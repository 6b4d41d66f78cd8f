# Steps of .ci/run that take the project to machines of other kinds.
#
# shellcheck shell=bash disable=SC2154  # as_root is .ci/run's

# As in many a container. A user namespace, so that it needs no root.
test_without_ipv6() {
    # shellcheck disable=SC2016
    unshare -Urn sh -c '
        PATH=$PATH:/usr/sbin:/sbin
        ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && exec make test'
}

# copy_sources DIRECTORY: the project, as a fresh clone has it.
copy_sources() {
    rm -rf "$1"
    mkdir -p "$1"
    git ls-files | tar -cf - -T - | tar -xf - -C "$1"
}

# What a student and a teacher do, for a shell in the project's directory.
# shellcheck disable=SC2016
learners_day='set -ex
    make demo
    make test
    make docs
    for solution in exercises/*/solution.c; do
        directory=${solution%/*}
        cp "$solution" "$directory/${directory##*/[0-9][0-9]-}.c"
    done
    make check >checked
    cat checked
    grep -q "^All done" checked
    make handout'

# With blanks in each name, a charset that is not UTF-8, and files that others may not read.
path_with_spaces() {
    local place="$PWD/build/a path/你好" locales=$PWD/build/locales
    copy_sources "$place/labs"
    mkdir -p "$place/tmp dir" "$locales"
    localedef -i zh_CN -f GBK "$locales/zh_CN.GBK" || [ -e "$locales/zh_CN.GBK" ]
    (cd "$place/labs" && umask 077 && TMPDIR="$place/tmp dir" LOCPATH=$locales LC_ALL=zh_CN.GBK sh -c "$learners_day")
}

# A new Debian 13 with what the line in README.md installs, and nothing else; there an ordinary user
# does what a learner does. It is removed at the end: a gigabyte.
bare_debian_13() (
    root=$PWD/build/debian-13
    in_it=("${as_root[@]}" bwrap --bind "$root" / --dev /dev --proc /proc --perms 1777 --tmpfs /tmp
        --unshare-pid --die-with-parent --chdir /)
    trap '"${as_root[@]}" rm -rf "$root"' EXIT
    "${as_root[@]}" rm -rf "$root"
    "${as_root[@]}" debootstrap --variant=minbase trixie "$root" ||
        { echo 'debootstrap cannot get Debian 13 here' && exit 77; }
    # shellcheck disable=SC2016
    line=$(sed -n 's/^On Debian and Ubuntu: `sudo \(apt-get install .*\)`\.$/\1/p' README.md)
    "${in_it[@]}" sh -c "useradd -m learner && apt-get update && DEBIAN_FRONTEND=noninteractive ${line/install/install -y}"
    copy_sources build/for-debian-13
    "${as_root[@]}" mv build/for-debian-13 "$root/home/learner/labs"
    "${as_root[@]}" chown -R 1000:1000 "$root/home/learner/labs"
    "${in_it[@]}" setpriv --reuid=1000 --regid=1000 --clear-groups env -i HOME=/home/learner \
        PATH=/usr/local/bin:/usr/bin:/bin sh -c "cd ~/labs && $learners_day"
)
