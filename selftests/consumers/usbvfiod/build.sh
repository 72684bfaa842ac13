#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Build the unmodified Rust crate usbvfiod, a vfio-user server from another project: an xHCI
# controller with USB devices of the host.  The program is linked statically, so that it
# runs in every lab.  Without optimisation the build takes half of the time.
# Needs cargo 1.87 or newer, a network and a C library to link statically.
#
# Usage: build.sh OUT
#   OUT	gets bin/usbvfiod
set -eu

version=0.3.0
target=x86_64-unknown-linux-gnu

mkdir -p "$1"
out=$(cd "$1" && pwd)

export CARGO_TARGET_DIR="$out/target"
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_STRIP=symbols
export RUSTFLAGS="-C target-feature=+crt-static"
cargo install --quiet --locked --jobs "$(nproc)" --target $target \
	--force --root "$out" --version $version --bin usbvfiod usbvfiod
rm -rf "$CARGO_TARGET_DIR"
