// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

// maxConfigFile bounds a configuration file: every flag fits in many times.
const maxConfigFile = 1 << 20

// addConfigFlag gives a command a configuration file.
func addConfigFlag(fl *pflag.FlagSet) {
	fl.String("config", "", "YAML `file` with the long names of the flags as keys; flags and environment win")
}

// applyFile sets the flags that neither the command line nor the environment has set from the configuration file, if the
// command has one, and notes in origins where each came from. Its errors begin with file, line and key.
func applyFile(flags *pflag.FlagSet, origins map[string]string) error {
	f := flags.Lookup("config")
	if f == nil || f.Value.String() == "" {
		return nil
	}
	name := f.Value.String()
	b, err := readConfig(name)
	if err != nil {
		return usagef("--config: %w", err)
	}
	root, err := parseConfig(b)
	if err != nil {
		return usagef("%s: %w", name, err)
	}
	if root == nil {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return usagef("%s:%d: it is not a mapping of keys to values", name, root.Line)
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		k, v := root.Content[i], root.Content[i+1]
		at := fmt.Sprintf("%s:%d: %s", name, k.Line, k.Value)
		f := flags.Lookup(k.Value)
		switch {
		case k.Kind != yaml.ScalarNode:
			return usagef("%s:%d: a key is not a word", name, k.Line)
		case f == nil || f.Name == "config" || f.Name == "help":
			return usagef("%s: there is no such key", at)
		case seen[k.Value] != 0:
			return usagef("%s: the key is in line %d already", at, seen[k.Value])
		}
		seen[k.Value] = k.Line
		values, err := configValues(f, v)
		if err != nil {
			return usagef("%s: %w", at, err)
		}
		if f.Changed {
			continue
		}
		origins[f.Name] = at
		for _, s := range values {
			if err := flags.Set(f.Name, s); err != nil {
				return usagef("%s: invalid value %q: %w", at, s, plain(rootCause(err)))
			}
		}
	}
	return nil
}

func readConfig(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxConfigFile+1))
	if err == nil && len(b) > maxConfigFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxConfigFile)
	}
	return b, err
}

// parseConfig returns what the only document of a file has, nil if that is nothing.
func parseConfig(b []byte) (*yaml.Node, error) {
	var docs []yaml.Node
	if err := yaml.Load(b, &docs, yaml.WithAllDocuments()); err != nil {
		return nil, errors.New(strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: "))
	}
	switch {
	case len(docs) > 1:
		return nil, fmt.Errorf("it has %d documents, not one", len(docs))
	case len(docs) == 0:
		return nil, nil
	}
	root := &docs[0]
	if root.Kind == yaml.DocumentNode {
		if len(root.Content) == 0 {
			return nil, nil
		}
		root = root.Content[0]
	}
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil // nothing but comments
	}
	return root, nil
}

// configValues returns the values of a key as they would be on a command line.
func configValues(f *pflag.Flag, v *yaml.Node) ([]string, error) {
	if v.Kind == yaml.AliasNode && v.Alias != nil {
		v = v.Alias
	}
	list := strings.HasPrefix(f.Value.Type(), "string") && f.Value.Type() != "string"
	switch {
	case v.Kind == yaml.ScalarNode && v.Tag == "!!null":
		return nil, errors.New("it has no value")
	case v.Kind == yaml.ScalarNode:
		return []string{v.Value}, nil
	case v.Kind != yaml.SequenceNode:
		return nil, errors.New("it is not a value or a list of values")
	case !list:
		return nil, errors.New("it has one value, not a list")
	}
	var all []string
	for _, item := range v.Content {
		if item.Kind == yaml.AliasNode && item.Alias != nil {
			item = item.Alias
		}
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
			return nil, fmt.Errorf("an item, in line %d, is not a value", item.Line)
		}
		all = append(all, item.Value)
	}
	return all, nil
}
