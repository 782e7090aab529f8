#!/bin/bash
# tries: to have the compiler put the secret into an object file
# works: the assembler's .incbin reads any file
# see: as(1) .incbin; GTFOBins gcc
# goal: read
printf '.incbin "%s"\n' "$SECRET" | as -o object.o - && tr -cd '[:print:]\n' <object.o
