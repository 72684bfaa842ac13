#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Build vhost-user back ends from another project, unmodified: the vhost-device family of
# Rust crates.  The programs are linked statically, except vhost-device-sound: ALSA's
# library loads its plugins.  Without optimisation the build takes half of the time, and
# the back ends are fast enough.
# Needs cargo 1.85 or newer, a network, a C library and libgpiod 2 to link statically,
# libclang (libgpiod's bindings) and ALSA's library.
#
# Usage: build.sh OUT
#   OUT	gets bin/vhost-device-NAME
set -eu

target=x86_64-unknown-linux-gnu

mkdir -p "$1"
out=$(cd "$1" && pwd)

export CARGO_TARGET_DIR="$out/target"
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_STRIP=symbols

# build NAME VERSION [OPTION...]
build()
{
	name=vhost-device-$1
	version=$2
	shift 2
	cargo install --quiet --locked --jobs "$(nproc)" --target $target \
		--force --root "$out" --version "$version" "$@" "$name"
}

build sound 0.3.0 --no-default-features --features alsa-backend

export RUSTFLAGS="-C target-feature=+crt-static"
build can 0.1.0
build console 0.1.0
build gpio 0.1.0
build i2c 0.1.0
build input 0.1.0
build rng 0.1.0
build scsi 0.1.0
build vsock 0.3.0

rm -rf "$CARGO_TARGET_DIR"
