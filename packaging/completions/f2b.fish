
# Jails, and hosts that are banned, as f2b itself tells them.
function __fish_f2b_jails
    f2b status 2>/dev/null | sed -n '1,/^─/d; s/^ \([^ ]*\) .*/\1/p'
end
function __fish_f2b_banned
    f2b bans --format csv 2>/dev/null | string replace --filter --regex ',.*' '' | tail -n +2
end
for subcommand in ban bans export import scan unban
    complete -c f2b -n "__fish_f2b_using_subcommand $subcommand" -s j -l jail -x -a '(__fish_f2b_jails)'
end
for subcommand in check flush restore status
    complete -c f2b -n "__fish_f2b_using_subcommand $subcommand" -f -a '(__fish_f2b_jails)'
end
for subcommand in history unban
    complete -c f2b -n "__fish_f2b_using_subcommand $subcommand" -f -a '(__fish_f2b_banned)'
end
