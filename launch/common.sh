# shellcheck shell=bash
# Functions that the launch scripts share. A script sources this file; it starts nothing by itself.
#
# The script sets `here` to its own folder first. Then it calls `parse "$@"` (or
# `parse_command_and_name "$@"`), which answers --help with the comment at the top of the script,
# loads the settings and sets
#   ARGS     the arguments that are not options
#   EXTRA    the arguments after `--`, which go to `maskconver train`
#   DRY_RUN  1: print each command and run none

: "${here:?set it to the folder of the script that sources this}"

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "bash $BASH_VERSION is too old: 4.4 or newer is needed (on macOS: brew install bash)" >&2
    exit 2
fi

DRY_RUN=0
ENV_FILE=
ARGS=()
EXTRA=()
declare -A LINES_OF=() # setting -> FILE:LINE, if it is from the settings file

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
                (($# > 1)) || die "--env: expected a file after it, such as $here/env"
                ENV_FILE=$2
                [[ -f $ENV_FILE ]] || die "--env $ENV_FILE: no such file; write one with" \
                    "'cp $here/env.example $ENV_FILE'"
                shift
                ;;
            --)
                shift
                EXTRA=("$@")
                break
                ;;
            -*)
                die "unknown option $1; see ${0##*/} --help. Options of 'maskconver train' go" \
                    "behind --"
                ;;
            *) ARGS+=("$1") ;;
        esac
        shift
    done
    ENV_FILE=${ENV_FILE:-$here/env}
    [[ ! -f $ENV_FILE ]] || load_env "$ENV_FILE"
}

# parse_command_and_name ARGUMENT...: parses and sets `command` and NAME from the two arguments.
parse_command_and_name() {
    parse "$@"
    ((${#ARGS[@]} == 2)) || die "expected COMMAND NAME, found '${ARGS[*]}'; see ${0##*/} --help"
    # shellcheck disable=SC2034 # the scripts read it
    command=${ARGS[0]} NAME=${ARGS[1]}
    need_name "$NAME"
}

# load_env FILE: reads NAME=value lines literally (it expands and runs nothing). A variable that is
# already set wins over the file.
load_env() {
    local line name value number=0
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line%$'\r'} # Windows editors end lines with it
        number=$((number + 1))
        [[ ! $line =~ ^[[:space:]]*(#|$) ]] || continue
        [[ $line =~ ^([A-Z][A-Z0-9_]*)=(.*)$ ]] ||
            die "$1:$number: expected NAME=value without spaces around =, found: $line; correct" \
                "that line"
        name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
        [[ ! $value =~ ^[\"\'].*[\"\']$ ]] ||
            die "$1:$number: $name takes no quotes, found: $value; write $name=${value:1:-1}"
        grep -qE "^(# )?$name=" "$here/env.example" ||
            die "$1:$number: unknown setting $name; $here/env.example lists all of them"
        [[ ! -v $name ]] || continue
        printf -v "$name" %s "$value"
        LINES_OF[$name]=$1:$number
    done <"$1"
}

# refuse NAME WHAT: stops because of the value of a setting, and tells where it is from.
refuse() {
    local name=$1
    shift
    [[ ! -v LINES_OF[$name] ]] || die "${LINES_OF[$name]}: $name=${!name}: $*; correct that line"
    die "$name=${!name:-}: $*; write $name=... with another value before the command, or set it in" \
        "$ENV_FILE"
}

# need NAME WHAT: stops unless the setting has a value.
need() {
    [[ -n ${!1:-} ]] ||
        die "$1 is not set: $2. Set it in $ENV_FILE (cp $here/env.example $ENV_FILE) or write" \
            "$1=... before the command"
}

# need_bucket NAME WHAT: stops unless the setting is a path in a bucket.
need_bucket() {
    need "$1" "$2"
    [[ ${!1} == gs://?* ]] ||
        refuse "$1" "expected gs://BUCKET/..., because files on the machine are lost with the machine"
}

# need_buckets: checks MODEL_DIR, and the data folders where they are set. The experiment names the
# data folders that are not set.
need_buckets() {
    need_bucket MODEL_DIR "the run's folder, which must outlive the machine"
    [[ -z ${TRAIN_DATA:-} ]] || need_bucket TRAIN_DATA "a dataset folder"
    [[ -z ${EVAL_DATA:-} ]] || need_bucket EVAL_DATA "a dataset folder"
}

# is_number VALUE MINIMUM: whether a value is a whole number of at least MINIMUM.
is_number() {
    [[ $1 =~ ^(0|[1-9][0-9]{0,8})$ ]] && (($1 >= $2))
}

# need_number NAME [MINIMUM]: stops unless the setting is a whole number of at least MINIMUM (1).
need_number() {
    is_number "${!1:-}" "${2:-1}" || refuse "$1" "expected a whole number from ${2:-1}"
}

# need_choice NAME: stops unless the setting is 1, 0 or not set, which means 0.
need_choice() {
    [[ ${!1:-0} == [01] ]] || refuse "$1" "expected 1 or 0, for yes or no"
}

# need_no_arguments: stops if the user gave arguments, or words after --.
need_no_arguments() {
    ((${#ARGS[@]} == 0)) || die "expected no argument, found: ${ARGS[*]}; see ${0##*/} --help"
    ((${#EXTRA[@]} == 0)) || die "expected nothing after --, found: ${EXTRA[*]}; to train with" \
        "other settings use train.sh"
}

# need_tool NAME HOW: stops unless the program is installed. A dry run needs no program.
need_tool() {
    ((DRY_RUN)) || command -v "$1" >/dev/null || die "found no program $1; $2"
}

need_maskconver() {
    need_tool maskconver "install the package (BUILD.md) and run 'source .venv/bin/activate'"
}

need_gcloud() {
    need_tool gcloud "install the Google Cloud CLI: https://cloud.google.com/sdk/docs/install"
}

# need_name NAME: stops unless clouds and clusters accept NAME as the name of a resource.
need_name() {
    [[ $1 =~ ^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$ ]] ||
        die "'$1' is not a valid name: expected at most 52 lower-case letters, digits and dashes," \
            "a letter first, no dash last; choose another NAME, such as mask-1"
}

# ---- Commands ------------------------------------------------------------------------------------
# quoted WORD...: prints the words so that they can be pasted into a shell.
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

# run COMMAND...: prints the command, then runs it unless this is a dry run.
run() {
    printf '$ %s\n' "$(quoted "$@")"
    ((DRY_RUN)) || "$@"
}

# build_parts PICTURES DATA PART...: builds the parts of a folder in COCO's panoptic layout into DATA/PART. A part
# that is built stays.
build_parts() {
    local pictures=$1 data=$2 part
    for part in "${@:3}"; do
        [[ ! -f $data/$part/dataset.json ]] || continue
        run maskconver data build --images "$pictures/images/$part" \
            --panoptic "$pictures/panoptic/$part" \
            --annotations "$pictures/panoptic_$part.json" --out "$data/$part"
    done
}

# train_arguments STRATEGY: sets TRAIN_ARGUMENTS to the words after `maskconver`.
train_arguments() {
    need GIN_FILE "the experiment, such as experiments/demo.gin"
    need MODEL_DIR "the run's folder; a run continues from the checkpoint in it"
    TRAIN_ARGUMENTS=(train --gin_file "$GIN_FILE" --model_dir "$MODEL_DIR")
    [[ -z ${TRAIN_DATA:-} ]] || TRAIN_ARGUMENTS+=(--train_data "$TRAIN_DATA")
    [[ -z ${EVAL_DATA:-} ]] || TRAIN_ARGUMENTS+=(--eval_data "$EVAL_DATA")
    TRAIN_ARGUMENTS+=("--gin.Compute.strategy='$1'")
    [[ -z ${DATA_SERVICE:-} ]] ||
        TRAIN_ARGUMENTS+=("--gin.TrainingInput.service='$DATA_SERVICE'")
    TRAIN_ARGUMENTS+=("${EXTRA[@]}")
}

# ---- Templates -----------------------------------------------------------------------------------
# json_list WORD...: prints ["WORD", ...], which is valid YAML too.
json_list() {
    local word list=
    for word; do
        word=${word//\\/\\\\}
        list+=${list:+, }\"${word//\"/\\\"}\"
    done
    printf '[%s]' "$list"
}

# render FILE: prints a template with each ${NAME} replaced by that setting. It keeps lines that end
# in `# if spot` only where SPOT=1, `# if gpu` where GPU=1 and `# if volume` where VOLUME=1, and drops
# the comment at the top of the file.
render() {
    local text name
    text=$(sed '1,/^[^#]/{/^#/d}' "$1")
    for name in SPOT GPU VOLUME; do
        need_choice "$name"
        case ${!name:-0} in
            1) text=${text//"  # if ${name,,}"/} ;;
            0) text=$(grep -v "# if ${name,,}$" <<<"$text") ;;
        esac
    done
    while [[ $text =~ \$\{([A-Z_]+)\} ]]; do
        name=${BASH_REMATCH[1]}
        need "$name" "the template $1 uses it"
        [[ ${!name} != *"\${"* ]] || refuse "$name" "expected a value without \${"
        text=${text//"\${$name}"/"${!name}"}
    done
    printf '%s\n' "$text"
}
