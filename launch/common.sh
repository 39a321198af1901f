# shellcheck shell=bash
# What the launch scripts share: source it. It runs nothing by itself.
#
# A script sets `here` to its own folder before, then calls `parse "$@"`, which answers --help with
# the comment at the script's top, loads the settings and leaves
#   ARGS     what is not an option
#   EXTRA    what follows `--`: more arguments for `maskconver train`
#   DRY_RUN  1: print each command instead of running it

: "${here:?set it to the folder of the script that sources this}"

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "bash $BASH_VERSION is too old: 4.4 or newer is needed (on macOS: brew install bash)" >&2
    exit 2
fi

DRY_RUN=0
ENV_FILE=
ARGS=()
EXTRA=()

die() {
    printf '%s: error: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

say() {
    printf '%s %s\n' "$(date +%H:%M:%S)" "$*"
}

# ---- Arguments and settings ----------------------------------------------------------------------
parse() {
    while (($#)); do
        case $1 in
            --help | -h)
                sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
                exit 0
                ;;
            --dry-run) DRY_RUN=1 ;;
            --env)
                (($# > 1)) || die "--env needs a file"
                ENV_FILE=$2
                [[ -f $ENV_FILE ]] || die "--env $ENV_FILE: no such file; copy $here/env.example"
                shift
                ;;
            --)
                shift
                EXTRA=("$@")
                break
                ;;
            -*) die "unknown option $1; see ${0##*/} --help" ;;
            *) ARGS+=("$1") ;;
        esac
        shift
    done
    ENV_FILE=${ENV_FILE:-$here/env}
    [[ ! -f $ENV_FILE ]] || load_env "$ENV_FILE"
}

# load_env FILE: takes NAME=value lines as they are (nothing is expanded or run). A variable that is
# set already wins over the file.
load_env() {
    local line name value number=0
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line%$'\r'} # of an editor on Windows
        number=$((number + 1))
        [[ ! $line =~ ^[[:space:]]*(#|$) ]] || continue
        [[ $line =~ ^([A-Z][A-Z0-9_]*)=(.*)$ ]] ||
            die "$1:$number: expected NAME=value, found: $line"
        name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
        [[ ! $value =~ ^[\"\'].*[\"\']$ ]] || die "$1:$number: $name takes no quotes, found: $value"
        grep -qE "^(# )?$name=" "$here/env.example" ||
            die "$1:$number: unknown setting $name; $here/env.example lists them"
        [[ -v $name ]] || printf -v "$name" %s "$value"
    done <"$1"
}

# need NAME WHAT: stops unless the setting has a value.
need() {
    [[ -n ${!1:-} ]] ||
        die "$1 is not set: $2. Set it in $ENV_FILE (cp $here/env.example $ENV_FILE) or write" \
            "$1=... before the command"
}

# need_bucket NAME WHAT: the same, for what must outlive the machine.
need_bucket() {
    need "$1" "$2"
    [[ ${!1} == gs://?* ]] ||
        die "$1=${!1}: expected gs://BUCKET/..., since what is on the machine goes with it"
}

# need_buckets: MODEL_DIR there, and the data too unless the experiment says where it is.
need_buckets() {
    need_bucket MODEL_DIR "the run's folder, which outlives the machine"
    [[ -z ${TRAIN_DATA:-} ]] || need_bucket TRAIN_DATA "a dataset folder"
    [[ -z ${EVAL_DATA:-} ]] || need_bucket EVAL_DATA "a dataset folder"
}

# need_number NAME [FROM]: stops unless the setting is a whole number from FROM (1).
need_number() {
    if [[ ! ${!1:-} =~ ^(0|[1-9][0-9]{0,8})$ ]] || ((${!1} < ${2:-1})); then
        die "$1=${!1:-}: expected a whole number from ${2:-1}"
    fi
}

# need_choice NAME: stops unless the setting is 1 or 0, or not set, which is 0.
need_choice() {
    [[ ${!1:-0} == [01] ]] || die "$1=${!1}: expected 1 or 0"
}

# need_tool NAME WHERE: stops unless the program is there. A dry run needs none.
need_tool() {
    ((DRY_RUN)) || command -v "$1" >/dev/null || die "no $1 here; $2"
}

# need_name NAME: what clouds and clusters accept as a resource's name.
need_name() {
    [[ $1 =~ ^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$ ]] ||
        die "'$1' is no name for a resource: lower case letters, digits and dashes, a letter" \
            "first, at most 52"
}

# ---- Commands ------------------------------------------------------------------------------------
# quoted WORD...: as it would be typed.
quoted() {
    local word words=()
    for word; do
        if [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]]; then
            words+=("$word")
        elif [[ $word == *\'* && ! $word =~ [\"\$\`\\!] ]]; then
            words+=("\"$word\"")
        else
            words+=("${word@Q}")
        fi
    done
    printf '%s' "${words[*]}"
}

# run COMMAND...: prints it, then runs it unless this is a dry run.
run() {
    printf '$ %s\n' "$(quoted "$@")"
    ((DRY_RUN)) || "$@"
}

# train_arguments STRATEGY: sets TRAIN_ARGUMENTS, the words after `maskconver`.
train_arguments() {
    need GIN_FILE "the experiment, such as experiments/demo.gin"
    need MODEL_DIR "the run's folder; the run goes on from what is there"
    TRAIN_ARGUMENTS=(train --gin_file "$GIN_FILE" --model_dir "$MODEL_DIR"
        "--gin.train.strategy='$1'")
    [[ -z ${TRAIN_DATA:-} ]] || TRAIN_ARGUMENTS+=("--gin.TRAIN_DATA='$TRAIN_DATA'")
    [[ -z ${EVAL_DATA:-} ]] || TRAIN_ARGUMENTS+=("--gin.EVAL_DATA='$EVAL_DATA'")
    [[ -z ${DATA_SERVICE:-} ]] ||
        TRAIN_ARGUMENTS+=("--gin.TrainingInput.service='$DATA_SERVICE'")
    TRAIN_ARGUMENTS+=("${EXTRA[@]}")
}

# ---- Templates -----------------------------------------------------------------------------------
# json_list WORD...: ["WORD", ...], which is YAML too.
json_list() {
    local word list=
    for word; do
        word=${word//\\/\\\\}
        list+=${list:+, }\"${word//\"/\\\"}\"
    done
    printf '[%s]' "$list"
}

# render FILE: its text with each ${NAME} replaced by that setting. Lines that end in `# if spot`
# stay only where SPOT=1; the file's leading comment goes.
render() {
    local text name
    text=$(sed '1,/^[^#]/{/^#/d}' "$1")
    need_choice SPOT
    case ${SPOT:-0} in
        1) text=${text//"  # if spot"/} ;;
        0) text=$(grep -v '# if spot$' <<<"$text") ;;
    esac
    while [[ $text =~ \$\{([A-Z_]+)\} ]]; do
        name=${BASH_REMATCH[1]}
        need "$name" "$1 asks for it"
        [[ ${!name} != *"\${"* ]] || die "$name=${!name}: a value may not hold \${"
        text=${text//"\${$name}"/"${!name}"}
    done
    printf '%s\n' "$text"
}
