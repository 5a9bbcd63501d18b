"""Reads YAML as another program than ours does, and writes it as JSON. usage: read_yaml.py FILE"""
import json, sys
import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    json.dump(yaml.safe_load(file), sys.stdout)
