#compdef agent-lanes handoff
# Completion of agent-lanes and handoff for zsh. In ~/.zshrc, after compinit:  eval "$(agent-lanes completion zsh)"
# or as a file named _agent-lanes in a folder of $fpath.
_agent_lanes() {
    local line
    local -a answers offers
    answers=("${(@f)$("${words[1]/#\~/$HOME}" __complete zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ ${answers[1]} == :files ]]; then
        _files
        return
    fi
    for line in $answers; do
        offers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    (( $#offers )) && _describe -V agent-lanes offers
}
if [[ ${funcstack[1]} == _agent* ]]; then
    _agent_lanes "$@"
elif (( $+functions[compdef] )); then
    compdef _agent_lanes agent-lanes handoff
fi
