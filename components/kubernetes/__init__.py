"""The path of pods: a cluster on EKS, and the application on it."""
