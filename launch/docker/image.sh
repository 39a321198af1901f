#!/usr/bin/env bash
# Builds the container images and pushes them to a registry.
#
#   launch/docker/image.sh [--dry-run] [--env FILE] build cpu|gpu|tpu
#   launch/docker/image.sh [--dry-run] [--env FILE] push cpu|gpu|tpu
#
# Builds IMAGE:cpu, IMAGE:gpu or IMAGE:tpu. Setting, from the shell or launch/docker/env: IMAGE.
#
#   IMAGE=maskconver launch/docker/image.sh build cpu
#   docker run --rm maskconver:cpu --help
#   docker run --rm --gpus all --volume "$PWD":/work --workdir /work --user "$(id -u)" \
#       maskconver:gpu train --gin_file experiments/demo.gin --model_dir runs/demo/model
#
# For GKE and Vertex AI, set IMAGE=REGION-docker.pkg.dev/PROJECT/REPOSITORY/maskconver and run
# `gcloud auth configure-docker REGION-docker.pkg.dev` once. Then build and push.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
source "$here/../common.sh"

parse "$@"
((${#ARGS[@]} == 2)) || die "expected build or push, then cpu, gpu or tpu, found '${ARGS[*]}'; see" \
    "${0##*/} --help"
command=${ARGS[0]} kind=${ARGS[1]}
[[ $kind =~ ^(cpu|gpu|tpu)$ ]] || die "expected cpu, gpu or tpu, found '$kind'; see ${0##*/} --help"
need IMAGE "the image's name without a tag, such as maskconver"
[[ ${IMAGE##*/} != *:* ]] || refuse IMAGE "expected a name without a tag, because the tag is $kind"
need_tool docker "install it: https://docs.docker.com/engine/install"
case $command in
    build)
        run env DOCKER_BUILDKIT=1 docker build --file "$here/Dockerfile" --target "$kind" \
            --tag "$IMAGE:$kind" "$(cd "$here/../.." && pwd)"
        ;;
    push) run docker push "$IMAGE:$kind" ;;
    *) die "expected build or push, found '$command'; see ${0##*/} --help" ;;
esac
