package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of stranglerctl",
		Args:  arguments(),
		RunE: func(*cobra.Command, []string) error {
			built, platform := programVersion(), runtime.GOOS+"/"+runtime.GOARCH
			raw, err := json.Marshal(map[string]string{"version": built, "go": runtime.Version(), "platform": platform})
			if err != nil {
				return err
			}
			return c.show(view{raw: raw, names: []string{built}, people: func(bool) error {
				c.out.Linef("stranglerctl %s (%s, %s)", built, runtime.Version(), platform)
				return nil
			}})
		},
	}
}

// version is set by the build, and never by the program: -ldflags "-X main.version=v1.2.3".
var version = ""

// programVersion is the version of the build, or else the module version that
// the Go command built in.
func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
