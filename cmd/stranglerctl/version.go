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
			version, platform := programVersion(), runtime.GOOS+"/"+runtime.GOARCH
			raw, err := json.Marshal(map[string]string{"version": version, "go": runtime.Version(), "platform": platform})
			if err != nil {
				return err
			}
			return c.show(view{raw: raw, names: []string{version}, people: func(bool) error {
				c.out.Linef("stranglerctl %s (%s, %s)", version, runtime.Version(), platform)
				return nil
			}})
		},
	}
}

// programVersion is the module version that the Go command built in.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "development"
	}
	return info.Main.Version
}
