# SPDX-License-Identifier: GPL-2.0
# Completion of vuserctl(8), vuserd(8), vuser-ioat(1) and vuser-vhost(1) for fish. The
# programs know the words: see --complete in vuserctl(8).

function __vuser_words
	set -l words (commandline -opc)
	set -l word (commandline -ct)

	for line in ($words[1] --complete $words[2..-1] "$word" 2>/dev/null)
		switch $line
			case :files
				__fish_complete_path "$word"
			case :users
				__fish_complete_users
			case :programs
				__fish_complete_command
			case '*'
				echo $line
		end
	end
end

for program in vuserctl vuserd vuser-ioat vuser-vhost
	complete -c $program -f -a '(__vuser_words)'
end
