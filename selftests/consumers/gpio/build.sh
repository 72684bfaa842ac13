#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Build the unmodified gpio example of several versions of the Rust crate vfio_user: a
# vfio-user server from another project.  Version 0.1.3 answers posted writes, and marks
# its error replies as commands.  0.1.5 is the first version that does neither; 0.1.7 is
# the newest.  The programs are linked statically, so that they run in every lab.
# Needs cargo 1.87 or newer, a network and a C library to link statically.
#
# Usage: build.sh OUT
#   OUT	gets bin/gpio-VERSION
set -eu

versions="0.1.3 0.1.5 0.1.7"
target=x86_64-unknown-linux-gnu

mkdir -p "$1"
out=$(cd "$1" && pwd)

export CARGO_TARGET_DIR="$out/target"
export RUSTFLAGS="-C target-feature=+crt-static"
for version in $versions; do
	cargo install --quiet --locked --jobs "$(nproc)" --target $target \
		--force --root "$out" --version "$version" --example gpio vfio_user
	mv "$out/bin/gpio" "$out/bin/gpio-$version"
done

rm -rf "$CARGO_TARGET_DIR"
