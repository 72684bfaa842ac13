#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Build the gpio example of the Rust crate vfio_user, unmodified: a vfio-user
# server that nobody here wrote.  Static, so that it runs in every lab.
# Needs cargo 1.87 or newer, a network and a C library to link statically.
#
# Usage: build.sh OUT
#   OUT	gets bin/gpio; an up-to-date OUT is left alone
set -eu

version=0.1.5
target=x86_64-unknown-linux-gnu

mkdir -p "$1"
out=$(cd "$1" && pwd)

key=$({
	sha256sum <"$0"
	cargo --version
	ldd --version
} | sha256sum)
if [ "$(cat "$out/stamp" 2>/dev/null)" = "$key" ]; then
	exit 0
fi

export CARGO_TARGET_DIR="$out/target"
export RUSTFLAGS="-C target-feature=+crt-static"
cargo install --quiet --locked --jobs "$(nproc)" --target $target \
	--root "$out" --version $version --example gpio vfio_user

rm -rf "$CARGO_TARGET_DIR"
echo "$key" >"$out/stamp"
