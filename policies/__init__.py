"""What may never be deployed: rules that run in `pulumi preview --policy-pack policies` and in `scale plan` alike."""
