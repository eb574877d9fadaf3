// Reads the CloudFormation templates that are named as arguments with the CDK and checks them with cdk-nag's AwsSolutions.
// Prints a JSON object: per template the logical ids that the CDK wrote out again, the findings, and what is suppressed.
import { App, Aspects, Stack } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { AwsSolutionsChecks } from 'cdk-nag';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const idOf = (resource) => Stack.of(resource).resolve(resource.logicalId);

/** Collects what cdk-nag would print or write to its report. */
class Collector {
  findings = [];
  suppressed = [];
  onCompliance() {}
  onNonCompliance(data) {
    this.findings.push({ rule: data.ruleId, resource: idOf(data.resource), finding: data.findingId, info: data.ruleInfo });
  }
  onSuppressed(data) {
    this.suppressed.push({ rule: data.ruleId, resource: idOf(data.resource), reason: data.suppressionReason });
  }
  onError(data) {
    this.findings.push({ rule: data.ruleId, resource: idOf(data.resource), finding: 'not validated', info: data.errorMessage });
  }
  onSuppressedError(data) {
    this.findings.push({ rule: data.ruleId, resource: idOf(data.resource), finding: 'not validated', info: data.errorMessage });
  }
  onNotApplicable() {}
}

const result = {};
for (const file of process.argv.slice(2)) {
  const outdir = mkdtempSync(join(tmpdir(), 'templates-'));
  try {
    const app = new App({ outdir, analyticsReporting: false, treeMetadata: false });
    const stack = new Stack(app, basename(file, '.yaml').replaceAll('_', '-'));
    new CfnInclude(stack, 'template', { templateFile: file });
    const collector = new Collector();
    Aspects.of(app).add(new AwsSolutionsChecks({ reports: false, additionalLoggers: [collector] }));
    const template = app.synth().getStackByName(stack.stackName).template;
    result[basename(file)] = {
      resources: Object.keys(template.Resources),
      findings: collector.findings,
      suppressed: collector.suppressed,
    };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
console.log(JSON.stringify(result));
