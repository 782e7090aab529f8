# Sourced by demo.sh where there is no user to act for: makes one with a project, and takes it away.
# shellcheck shell=bash

make_user() {
	useradd -m -s /bin/bash "$user" || exit 1
	su - "$user" -c 'bash -eu' <<'HOME' || exit 1
mkdir -m 700 ~/.ssh
ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
git config --global user.name 'A Developer'
git config --global user.email dev@example.org
mkdir -p ~/project/src ~/project/tests && cd ~/project
git init -q
printf 'import unittest\n\n\nclass Sum(unittest.TestCase):\n    def test_sum(self):\n        self.assertEqual(1 + 1, 2)\n' >tests/test_sum.py
touch tests/__init__.py
printf '#include <stdio.h>\n\nint main(void)\n{\n\tputs("hello");\n\treturn 0;\n}\n' >src/hello.c
printf 'hello: src/hello.c\n\tcc -O1 -o $@ $<\n' >Makefile
echo 'API_TOKEN=not-a-real-token' >.env
printf '.env\nhello\n__pycache__/\n' >.gitignore
echo '# A project' >README.md
git add -A && git commit -qm 'A project'
HOME
}

unmake_user() {
	userdel -r "$user" 2>/dev/null
}

make_user
