"""The command `maskconver models`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from maskconver_tf.cli.arguments import add_command, add_gin_option, positive_count
from maskconver_tf.cli.preparing.page_file import check_page_file, write_page
from maskconver_tf.errors import UserError


def add_models_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "models",
        run_models,
        "list the named models with input size, parameters and multiply-adds",
        "maskconver models --detail mobilenet_mh_640 --num_classes 19",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="models, or .gin files (default: all models)"
    )
    parser.add_argument(
        "--num_classes",
        type=positive_count("--num_classes"),
        default=133,
        metavar="N",
        help="number of classes (default: 133, as in COCO)",
    )
    parser.add_argument("--detail", action="store_true", help="add one line for each layer")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    parser.add_argument("--markdown", metavar="FILE", help="write the page docs/model_zoo.md")
    parser.add_argument(
        "--names",
        dest="only_names",
        action="store_true",
        help="print names and descriptions only; this builds no model",
    )
    add_gin_option(parser, "MaskConver.width=128")


def run_models(args: argparse.Namespace) -> None:
    from maskconver_tf.config import named_models

    models = named_models.find_models(args.names)
    if args.only_names:
        print("\n".join(f"{model.name:24} {model.description}" for model in models))
        return
    if args.markdown:
        _check_markdown_options(args)
    from maskconver_tf.planning import model_table, model_zoo

    counted = named_models.count_models(models, args.num_classes, args.gin)
    if args.json:
        print(json.dumps([model_table.to_json(each, args.detail) for each in counted], indent=1))
    elif args.markdown:
        page = model_zoo.format_page(counted, named_models.count_published)
        write_page(args.markdown, page)
        print(f"{args.markdown}: written")
    else:
        print(model_table.format_head())
        for each in counted:
            print(model_table.format_row(each), flush=True)
            if args.detail:
                print(model_table.format_details(each))


def _check_markdown_options(args: argparse.Namespace) -> None:
    """Reports mistakes before the models are counted, which takes minutes."""
    if args.names or args.gin or args.num_classes != 133:
        raise UserError(
            "--markdown writes the page of all models with COCO's 133 classes; leave out names, "
            "--num_classes and --gin"
        )
    check_page_file(args.markdown)
