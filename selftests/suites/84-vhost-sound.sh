#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vhost-device-sound, a back end that the vuser project did not write, behind vuser-vhost.
# Linux's own driver, in User-Mode Linux, plays a tone into a file, and records another one.
# Each byte of both is compared.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source-path=SCRIPTDIR source=../consumers/vhost-device/common.sh
. "$CONSUMERS/vhost-device/common.sh"

# The sound card is the plugin "file" of ALSA's library. It plays into a file, and records from a
# FIFO. Each stream that it plays has a file of its own, because the back end opens the card
# again for each stream. The back end maps the buffer into which it plays, which "file" does not
# support and "multi" does.
card()
{
	outside tone 440 16384 "$WORK/tone.play" &&
		outside tone 660 $((2 * RECORD)) "$WORK/tone.record" && mkfifo "$WORK/fifo" &&
		peer sound "$WORK/tone.record" $RECORD "$WORK/fifo" "$WORK/recorded" &&
		cat > "$WORK/alsa.conf" <<-EOF
	pcm.default {
		type asym
		playback.pcm {
			type multi
			slaves.file {
				pcm {
					type file
					slave.pcm { type null }
					file "$WORK/played"
					truncate false
					format "raw"
				}
				channels 1
			}
			bindings.0 { slave file channel 0 }
		}
		capture.pcm {
			type file
			slave.pcm { type null }
			file "/dev/null"
			infile "$WORK/fifo"
			format "raw"
		}
	}
	EOF
}

sound_back_end()
{
	ALSA_CONFIG_PATH=$WORK/alsa.conf back_end sound --socket "$WORK/sound.back" \
		--backend alsa
}

check "the module and the helper start" vuser_up || finish
check "the machine has a sound card" card || finish
check "the back end starts" sound_back_end || finish
check "the device attaches" create sound || finish
drive sound
check "sound: the file has what was played" \
	outside played "$WORK/tone.play" "$WORK/played"
check "sound: the recording is the start of the file" \
	outside recorded "$WORK/tone.record" $RECORD "$WORK/recorded"
removed sound
peers_end
finish
