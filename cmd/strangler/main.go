// Command strangler is the router.
package main

import (
	"os"
	_ "time/tzdata" // change windows name zones, and images without any run this, too
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = "devel"

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
