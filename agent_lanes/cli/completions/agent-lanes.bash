# Completion of agent-lanes and handoff for bash. In ~/.bashrc:  eval "$(agent-lanes completion bash)"
_agent_lanes() {
    local answer quoted
    COMPREPLY=()
    while IFS= read -r answer; do
        case $answer in
            :files)
                compopt -o filenames -o default 2>/dev/null
                return
                ;;
        esac
        case ${COMP_WORDS[COMP_CWORD]} in
            [\'\"]*) quoted=$answer ;;
            *) printf -v quoted %q "$answer" ;;
        esac
        COMPREPLY[${#COMPREPLY[@]}]=$quoted
    done < <("${1/#\~/$HOME}" __complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o nosort -F _agent_lanes agent-lanes handoff 2>/dev/null || complete -F _agent_lanes agent-lanes handoff
