
# Jails, and hosts that are banned, as f2b itself tells them; the rest is completed as above. (Addresses hold colons,
# which end a word for bash: hence the functions of bash-completion, without which only the rest is completed.)
_f2b_known() {
    local cur prev words cword known word i
    _f2b "$@"
    declare -F _get_comp_words_by_ref >/dev/null || return 0
    _get_comp_words_by_ref -n := cur prev words cword
    case $cur in -*) return 0 ;; esac

    # The same configuration and store as the command that is being typed.
    local -a options=()
    local command=
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        case $word in
            -c | --config | --db) options+=("$word" "${words[i + 1]/#\~/$HOME}"); ((i++)) ;;
            --config=* | --db=*) options+=("$word") ;;
            -*) ;;
            *) command=${command:-$word} ;;
        esac
    done

    case $prev:$command in
        -j:* | --jail:* | *:status | *:restore | *:flush | *:check)
            known=$("${words[0]}" "${options[@]}" status 2>/dev/null | sed -n '1,/^─/d; s/^ \([^ ]*\) .*/\1/p') ;;
        *:unban | *:history)
            known=$("${words[0]}" "${options[@]}" bans --format csv 2>/dev/null | tail -n +2 | cut -d, -f1) ;;
        *) return 0 ;;
    esac
    # shellcheck disable=SC2207 # neither jails nor addresses hold spaces
    COMPREPLY=($(compgen -W "$known" -- "$cur"))
    __ltrim_colon_completions "$cur"
}
complete -F _f2b_known -o nosort -o bashdefault -o default f2b
