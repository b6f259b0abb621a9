# Completion of agent-lanes and handoff for fish:  agent-lanes completion fish > ~/.config/fish/completions/agent-lanes.fish
function __agent_lanes_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answers ($words[1] __complete fish $words[2..-1] "$current" 2>/dev/null)
    if test "$answers[1]" = :files
        __fish_complete_path "$current"
    else
        printf '%s\n' $answers
    end
end
complete -c agent-lanes -f -k -a '(__agent_lanes_complete)'
complete -c handoff -f -k -a '(__agent_lanes_complete)'
