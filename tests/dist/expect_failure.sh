#!/bin/sh
# expect_failure.sh CODE REGEX command...: the command must end with CODE and print one error line like REGEX.
code=$1 regex=$2
shift 2
output=$("$@" 2>&1)
got=$?
printf '%s\n' "$output"
[ "$got" -eq "$code" ] || { echo "exit code $got, expected $code"; exit 1; }
lines=$(printf '%s\n' "$output" | grep -c '^error\[')
[ "$lines" -eq 1 ] || { echo "$lines error lines, expected one"; exit 1; }
printf '%s\n' "$output" | grep -Eq "^error\[.*$regex" || { echo "the error line is not like: $regex"; exit 1; }
