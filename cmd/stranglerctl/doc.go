// Command stranglerctl moves routes from a legacy backend to a new one, by
// talking to the admin API of a strangler router.
//
// What it keeps to, everywhere:
//
//   - Data goes to stdout, in the shape that -o asks for. Progress, hints and
//     questions go to stderr, and -q silences the first two.
//   - Without a terminal nothing prompts: what would ask is declined instead.
//   - Text from the server is shown, never obeyed: see package term.
//   - A token is sent, and never printed.
//   - The exit code says what kind of ending it was: see exitCode.
package main
