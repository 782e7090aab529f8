#!/bin/bash
# tries: to have the owner's own settings include a file of the workspace
# works: include.path in ~/.gitconfig
# see: git-config(1), "Includes"
# goal: change
# watch: /home/dev/.gitconfig /home/dev/.config/git
git config --global include.path "$WORK/settings"
