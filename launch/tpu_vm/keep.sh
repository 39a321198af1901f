# shellcheck shell=bash
# The command `keep` of slice.sh, which sources this file: it looks after a slice until training is
# done.

# obtain: returns when the slice is ACTIVE. It requests a lost slice again.
obtain() {
    local refused=0
    while true; do
        patiently state
        case $ANSWER in
            ACTIVE)
                say "$NAME: ACTIVE"
                return
                ;;
            GONE)
                ((made <= MAX_RECREATIONS)) ||
                    die "$NAME was requested $made times; MAX_RECREATIONS=$MAX_RECREATIONS allows no" \
                        "more. The checkpoints are in $MODEL_DIR; run '$0 keep $NAME' to continue"
                if request; then
                    made=$((made + 1))
                elif refused=$((refused + 1)) && ((refused < PATIENCE)); then
                    say "$NAME: the request was refused; trying again in $POLL_SECONDS s"
                else
                    die "the request for $NAME was refused $refused times in a row; the lines above" \
                        "tell why. No slice exists. Check quota, ZONE and ACCELERATOR_TYPE"
                fi
                ;;
            FAILED | SUSPENDED)
                say "$NAME: $ANSWER; deleting the rest of it"
                delete || say "$NAME: not deleted; trying again in $POLL_SECONDS s"
                ;;
            *) wait_until ACTIVE || true ;;
        esac
        [[ $ANSWER == ACTIVE ]] || sleep "$POLL_SECONDS"
    done
}

# attend: starts training unless it runs, and watches it. Returns 0 when training is done, and 1 when
# the slice is lost.
attend() {
    local code silent=0
    while true; do
        patiently state
        [[ $ANSWER == ACTIVE ]] || { say "$NAME: lost ($ANSWER)"; return 1; }
        # A silent host usually means that the slice is being taken back. The next check of the state
        # shows it.
        ANSWER=$(status) || { silent=$((silent + 1)); ANSWER=silent; }
        case $(tail -n 1 <<<"$ANSWER") in
            running) silent=0 ;;
            new) silent=0; train || true ;;
            gone)
                say "$NAME: the host was restarted; starting training again"
                silent=0
                train || true
                ;;
            "exit 0") return 0 ;;
            "exit "*)
                code=${ANSWER##* }
                [[ " ${RESUME_CODES:-75 143} " == *" $code "* ]] ||
                    die "maskconver train ended with $code. The slice stays and costs. Read the log" \
                        "with '$0 watch $NAME'. Then run '$0 delete $NAME', or repair the cause" \
                        "and run '$0 train $NAME' and '$0 keep $NAME'"
                say "$NAME: training ended with $code; starting it again"
                silent=0
                train || true
                ;;
            silent)
                ((silent < PATIENCE)) ||
                    die "$NAME is ACTIVE but ssh failed $silent times in a row. The slice costs: try" \
                        "'gcloud compute tpus tpu-vm ssh $NAME ${PLACE[*]}' or '$0 delete $NAME'"
                ;;
            *)
                die "host.sh status on $NAME: expected new, running, gone or exit CODE, found" \
                    "'$ANSWER'. The slice stays and costs: look with '$0 watch $NAME', or run" \
                    "'$0 delete $NAME'"
                ;;
        esac
        sleep "$POLL_SECONDS"
    done
}

# prepare: sets the slice up unless an earlier `keep` did. A new host may refuse ssh for a while, so it
# tries five times. Returns 1 when the slice is lost meanwhile.
prepare() {
    local try
    for try in 1 2 3 4 5; do
        ANSWER=$(status 2>/dev/null) || ANSWER=
        [[ ! $ANSWER =~ running|exit|gone ]] || return 0
        ! setup || return 0
        patiently state
        [[ $ANSWER == ACTIVE ]] || return 1
        say "$NAME: setting up failed (try $try of 5)"
        sleep "$POLL_SECONDS"
    done
    die "setting up $NAME failed; the lines above tell why. The slice stays and costs." \
        "Repair the cause and run '$0 keep $NAME' again, or run '$0 delete $NAME'"
}

keep() {
    if ((DRY_RUN)); then
        request
        setup
        train
        echo "# Every $POLL_SECONDS s it checks the slice and the training. When the slice is lost:"
        delete
        echo "# Then it begins again, at most $MAX_RECREATIONS times. When training is done:"
        delete
        return
    fi
    made=0
    trap 'die "interrupted. $NAME may exist and cost: run $0 keep $NAME to continue, or" \
        "$0 delete $NAME"' INT TERM
    until obtain && prepare && attend; do :; done
    say "$NAME: training is done; deleting the slice"
    delete || die "training is done, but $NAME was not deleted (the lines above tell why) and costs." \
        "Run '$0 delete $NAME'"
}
