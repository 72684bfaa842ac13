#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Build the unmodified gpio example of the Rust crate vfio_user: a vfio-user server
# from another project.  It is linked statically, so that it runs in every lab.
# Needs cargo 1.87 or newer, a network and a C library to link statically.
#
# Usage: build.sh OUT
#   OUT	gets bin/gpio
set -eu

version=0.1.5
target=x86_64-unknown-linux-gnu

mkdir -p "$1"
out=$(cd "$1" && pwd)

export CARGO_TARGET_DIR="$out/target"
export RUSTFLAGS="-C target-feature=+crt-static"
cargo install --quiet --locked --jobs "$(nproc)" --target $target \
	--force --root "$out" --version $version --example gpio vfio_user

rm -rf "$CARGO_TARGET_DIR"
