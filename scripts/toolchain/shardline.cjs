#!/usr/bin/env node
// `npx shardline` in a clone of the repository: runs the program from its sources.
'use strict';

const { join } = require('node:path');

process.argv.splice(2, 0, join(__dirname, '..', '..', 'cli', 'shardline.ts'));
require('../with-node.cjs');
