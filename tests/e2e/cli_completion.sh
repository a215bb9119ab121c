# The completion scripts, in the shells they are for: what is offered after a few beginnings of a line.
. tests/e2e/lib
ran=

offers() { # SHELL LINE WORD…: all these, one a line in $out
    what="$1 after '$2'"
    shift 2
    for w in "$@"; do
        case $w in
        !*) ! grep -qxF -e "${w#!}" "$out" || wrong "offers ${w#!}" ;;
        *) grep -qxF -e "$w" "$out" || wrong "does not offer $w" ;;
        esac
    done
}
same() { # SHELL: the same questions to each
    ran="$ran $1"
    ask "$1" 'goc-race ex'
    offers "$1" 'goc-race ex' explore explain
    ask "$1" 'goc-race explain '
    offers "$1" 'goc-race explain ' race lockorder deadlock leak misuse
    ask "$1" 'goc-race completion '
    offers "$1" 'goc-race completion ' bash zsh fish
    ask "$1" 'goc-race help re'
    offers "$1" 'goc-race help re' replay report
    ask "$1" 'goc-race run --ex'
    offers "$1" 'goc-race run --ex' --exitcode= '!--runs='
    ask "$1" 'goc-race explore --run'
    offers "$1" 'goc-race explore --run' --runs=
    ask "$1" 'goc-race report --ba'
    offers "$1" 'goc-race report --ba' --baseline=
    ask "$1" 'goc-race report --ex'
    offers "$1" 'goc-race report --ex' '!--exitcode='
}

for shell in bash zsh fish; do
    try "$race" completion $shell
    want_status 0
    cp "$out" "$work/script.$shell"
done
try "$race" completion
want_status 125
want_err_lines 1

# bash splits at '=', and shows COMPREPLY.
ask_bash() {
    bash --norc -c '
        . "$1"
        compopt() { :; }
        read -ra COMP_WORDS <<<"${2//=/ = }"
        [[ $2 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _goc_race
        printf "%s\n" "${COMPREPLY[@]}"' bash "$work/script.bash" "$1"
}
# fish answers when asked; it writes --name and what it is for.
ask_fish() {
    HOME=$work XDG_CONFIG_HOME=$work fish --no-config -c 'source $argv[1]; complete -C $argv[2]' \
        "$work/script.fish" "$1" | cut -f1 | sed 's/^--[a-z_]*$/&=/'
}
# zsh has no such question: a shell on a terminal is asked, and compadd told to write down what it gets.
ask_zsh() {
    mkdir -p "$work/zsh"
    cp "$work/script.zsh" "$work/zsh/_goc-race"
    rm -f "$work/offered"
    OFFERED=$work/offered ZDOTDIR=$work timeout 120 zsh -f -c '
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PS2= RPS1= fpath=($1 \$fpath); autoload -U compinit; compinit -D -u
            compadd() { local -a given; builtin compadd -O given \"\$@\"
                (( \$#given )) && print -l -- \$given >>$OFFERED
                builtin compadd \"\$@\" }
            PS1=pro\"mpt\""
        zpty -r shell line "*prompt" # now it reads keys; before, the terminal would edit them
        zpty -w -n shell "$2"$'"'\\t'"'
        zpty -w -n shell $'"'\\C-u'"'
        zpty -w shell "print fin\"ished\""
        zpty -r shell line "*finished*"' zsh "$work/zsh" "$1" >/dev/null
    sed 's/^--[a-z_]*$/&=/' "$work/offered"
}
ask() { # SHELL LINE
    "ask_$1" "$2" >"$out" 2>"$err"
    status=$?
}

for shell in bash zsh fish; do
    if command -v $shell >/dev/null 2>&1; then
        same $shell
    else
        echo "no $shell here"
    fi
done
[ -n "$ran" ] || exit 77
if command -v bash >/dev/null 2>&1; then
    ask bash 'goc-race --format=j'
    offers bash 'goc-race --format=j' json junit '!text'
fi
finish
